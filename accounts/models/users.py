"""Users: people who log in. Global: one user may be a member of several workspaces."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from leadgen.core.tenancy import UUIDv7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """No staff flag and no superuser: there is no admin site over tenant data."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, blank=True, default="")  # "": that of the workspace looked at
    is_active = models.BooleanField(default=True)
    shortcuts_enabled = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]  # Django's stubs differ from its docs here

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def uuid(self) -> uuid.UUID:
        return self.pk


def display_name(user: User) -> str:
    """What allauth's pages and mails call the user."""
    return user.name or user.email
