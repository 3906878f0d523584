"""Who there is: persons and their accounts, teams, projects, roles."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from governance.models.base import choices_check, texts_check

ROOT_DEPTH = 1


class RequesterType(models.TextChoices):
    EMPLOYEE = "employee", "Employee"
    CONTRACTOR = "contractor", "Contractor"
    EXTERNAL = "external", "External"
    SERVICE_ACCOUNT = "service_account", "Service account"


class Team(models.Model):
    """A team; the one without a parent is the organisation.

    Invariant: `path` lists the ids from the root to this team, each followed by a dot, so a subtree is a prefix.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    cost_centre = models.CharField(max_length=20, null=True, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=200, editable=False, default="")

    class Meta:
        ordering: ClassVar = ["path"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(parent__isnull=True),
                name="team_one_root",
                violation_error_message="there is one organisation per installation: give the team a parent",
            ),
            models.CheckConstraint(
                condition=~Q(cost_centre=""),
                name="team_cost_centre_said",
                violation_error_message="a team without a cost centre has none; it is not an empty one",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["path"], name="team_path_prefix", opclasses=["text_pattern_ops"])]

    def __str__(self) -> str:
        return self.name

    @property
    def path_ids(self) -> list[int]:
        """Ids from the root to this team."""
        return [int(part) for part in self.path.split(".") if part]


class Project(models.Model):
    """What the compute is for; belongs to one team."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.PROTECT, related_name="projects")
    started_on = models.DateField()
    is_open = models.BooleanField(default=True, help_text="A closed project takes no new requests.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """A human being. Names and addresses live only here; everything else refers by id."""

    name = models.CharField(max_length=120)
    email = models.EmailField(max_length=200)
    requester_type = models.CharField(
        max_length=20, choices=RequesterType.choices, default=RequesterType.EMPLOYEE.value
    )
    job_title = models.CharField(max_length=120, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="members")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2 code of the country of work.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, such as Europe/Dublin.")
    is_active = models.BooleanField(default=True)
    wants_digest = models.BooleanField(default=True)
    trainings = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="person_email_unique"),
            choices_check("person", "requester_type", RequesterType.values),
            texts_check("person", "trainings"),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Accounts are found by address, whatever the letter case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())

    def create_user(self, *, email: str, person: Person, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), person=person, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """First administrator of an installation: a person in the organisation's root team with every admin page."""
        team, created = Team.objects.get_or_create(
            parent=None, defaults={"slug": "organisation", "name": "Organisation"}
        )
        if created:
            team.path = f"{team.pk}."
            team.save(update_fields=["path"])
        person = Person.objects.filter(email__iexact=email).first() or Person.objects.create(
            name=email.split("@")[0], email=email.lower(), team=team, country="IE"
        )
        return self.create_user(email=email, person=person, password=password, is_staff=True, is_superuser=True)


class User(AbstractBaseUser):  # type: ignore[django-manager-missing, unused-ignore]  # of tokens, which may come later
    """An account: a person's own, or a service account that the person answers for."""

    email = models.EmailField(max_length=200, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="users")
    is_service_account = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the desk.")
    is_superuser = models.BooleanField(default=False, help_text="May maintain reference data; approves nothing.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(email=Lower("email")),
                name="user_email_lower_case",
                violation_error_message="an address is kept in lower case",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.person.name

    def get_short_name(self) -> str:
        return self.person.name.split(" ")[0]

    # The admin asks these. What a person may do with a request is a matter of roles, checked in the services.
    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_active and (self.is_superuser or (self.is_staff and ".view_" in perm))

    def has_perms(self, perms: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class Role(models.Model):
    """What people can be for a team or project. `fallback` stands in when too few people could fill a stage."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    fallback = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="stands_in_for")
    may_approve = models.BooleanField(default=True, help_text="Auditors and administrators never approve.")
    sees_subtree = models.BooleanField(default=True, help_text="Sees everything below the team of the assignment.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def in_force(self, now: datetime) -> RoleAssignmentQuerySet:
        """Assignments of active accounts of active people at `now`; half-open [valid_from, valid_to)."""
        return self.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=now),
            valid_from__lte=now,
            user__is_active=True,
            user__person__is_active=True,
        )


class RoleAssignment(models.Model):
    """A person's account holds a role in a team (and all below it) or in one project, for a time."""

    user = models.ForeignKey(User, models.PROTECT, related_name="role_assignments")
    role = models.ForeignKey(Role, models.PROTECT, related_name="assignments")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="role_assignments")
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="role_assignments")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody ended it; empty for one that ends by its own date."
    )

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["role__name", "user__email"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(team__isnull=True) ^ Q(project__isnull=True),
                name="role_assignment_one_scope",
                violation_error_message="give the role in a team or in a project, not in both",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=models.F("valid_from")),
                name="role_assignment_period",
                violation_error_message="the end of an assignment lies after its start",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(valid_to__lte=models.F("revoked_at")),
                name="role_assignment_revoked_has_ended",
                violation_error_message="an assignment that was ended by somebody is over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} in {self.team or self.project}"


class Delegation(models.Model):
    """One person decides for another, for a time and up to an amount; never wider than the delegator's own right."""

    delegator = models.ForeignKey(Person, models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(Person, models.PROTECT, related_name="delegations_received")
    role = models.ForeignKey(Role, models.PROTECT, related_name="delegations")
    amount_micro_max = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["-valid_from"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(delegator=models.F("delegate")),
                name="delegation_to_another",
                violation_error_message="a person cannot delegate to themselves",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__gt=models.F("valid_from")),
                name="delegation_period",
                violation_error_message="the end of a delegation lies after its start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator} as {self.role}"
