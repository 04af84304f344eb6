"""What calls said of phone numbers: found, reached, wrong."""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class PhoneState(models.TextChoices):
    REACHED = "reached", "Reached them"
    VOICEMAIL = "voicemail", "Voicemail"
    NO_ANSWER = "no_answer", "No answer"
    WRONG = "wrong", "Wrong number"
    BARRED = "barred", "Do not call"


class PhoneOutcome(TenantModel):
    """The latest word on one number of one person: a number that was wrong is not proposed to them again."""

    State = PhoneState

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    number = models.CharField(max_length=40)  # E.164 where it could be parsed
    state = models.CharField(max_length=9, choices=State.choices)
    at = models.DateTimeField()
    calls = models.PositiveIntegerField(default=1)
    member = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "person", "number"], name="phoneoutcome_number"),
            one_of("state", PhoneState, "phoneoutcome_state"),
        ]
        indexes = [models.Index(fields=["workspace", "-at", "-id"], name="phoneoutcome_at")]
