"""The product's addresses as `make run` has them: with the mailbox."""

from django.urls import include, path

from config.urls import urlpatterns as product

urlpatterns = [path("mailbox/", include("governance.web.messages.mailbox")), *product]
