"""What `manage.py policy` is made of: where texts come from, what each word does, how it is shown."""
