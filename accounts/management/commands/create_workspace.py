"""A workspace from the shell; running it again changes nothing."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from accounts.actions.workspaces import create_workspace
from accounts.models import User, Workspace
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import user_scope


class Command(BaseCommand):
    help = "Make a workspace with an owner. Idempotent: an existing one of this owner is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="stands in the address: /w/SLUG/")
        parser.add_argument("--owner", required=True, help="e-mail address; a user is made where there is none")
        parser.add_argument("--zone", default="UTC", help="IANA time zone, for example Europe/Berlin")
        parser.add_argument("--currency", default="EUR", help="ISO 4217 code")
        parser.add_argument("--gross-margin", default="0.8", help="a ratio: 0.8 is 80 %%")
        parser.add_argument("--name", default="", help="shown name; from the slug where none is given")
        parser.add_argument(
            "--password", default="", help="for demos; without it the owner sets one by “forgot password”"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            margin = Decimal(options["gross_margin"])
        except InvalidOperation as error:
            raise CommandError("--gross-margin is a ratio such as 0.8.") from error
        slug = options["slug"]
        try:
            with transaction.atomic():
                user, user_made = self._user(options["owner"], options["password"])
                with user_scope(user.pk):
                    workspace = Workspace.objects.filter(slug=slug).first()
                made = workspace is None
                if workspace is None:
                    workspace = create_workspace(
                        user=user,
                        slug=slug,
                        name=options["name"] or slug.replace("-", " ").title(),
                        time_zone=options["zone"],
                        currency=options["currency"],
                        gross_margin=margin,
                        now=clock.now(),
                        source="command",
                    )
        except AppError as error:
            raise CommandError(error.message) from error
        self._say(options["json"], workspace, user, made=made, user_made=user_made, password=bool(options["password"]))

    def _user(self, email: str, password: str) -> tuple[User, bool]:
        """The owner and whether they were made. A password is set for a new user only."""
        email = email.strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"“{email}” is no e-mail address.") from error
        user = User.objects.filter(email=email).first()
        if user is not None:
            return user, False
        name = email.split("@")[0].replace(".", " ").title()
        user = User.objects.create_user(email, password or None, name=name)
        # Whoever may run commands here vouches for the address.
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        return user, True

    def _say(
        self, as_json: bool, workspace: Workspace, user: User, *, made: bool, user_made: bool, password: bool
    ) -> None:
        if as_json:
            facts = {
                "id": str(workspace.pk),
                "slug": workspace.slug,
                "owner": user.email,
                "created": made,
                "user_created": user_made,
            }
            self.stdout.write(json.dumps(facts))
            return
        if user_made:
            how = "with the password given" if password else "without a password: set one by “forgot password”"
            self.stdout.write(f"Made the user {user.email} {how}.")
        else:
            self.stdout.write(f"The user {user.email} exists.")
        words = "Made the workspace" if made else "Nothing changed: there is the workspace"
        self.stdout.write(
            f"{words} {workspace.name} at /w/{workspace.slug}/, {workspace.time_zone}, {workspace.currency}."
        )
