"""Messages: one outbound e-mail a row, attempted at most once. Five states and no others."""

from django.db import models
from django.db.models import Q

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class MessageKind(models.TextChoices):
    STEP = "step", "Sequence step"
    REPLY = "reply", "Reply"
    MANUAL = "manual", "Manual e-mail"


class MessageState(models.TextChoices):
    PLANNED = "planned", "Planned"
    SENT = "sent", "Sent"
    BLOCKED = "blocked", "Blocked"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


class Message(TenantModel):
    """Waiting, held and claimed are columns of `planned`; past the point of no return a message is `unknown` until its
    outcome is recorded. All messages = planned + sent + blocked + failed + unknown, at any moment."""

    Kind = MessageKind
    State = MessageState

    kind = models.CharField(max_length=6, choices=Kind.choices)
    state = models.CharField(max_length=7, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=500, blank=True)  # why blocked, failed or unknown: in words
    reason_code = models.CharField(max_length=40, blank=True)
    enrolment = TenantForeignKey("campaigns.Enrolment", models.DB_SET_NULL, null=True)
    step = TenantForeignKey("campaigns.Step", null=True)
    campaign = TenantForeignKey("prospects.Campaign", models.DB_SET_NULL, null=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True)
    mailbox = TenantForeignKey("campaigns.Mailbox")
    member = TenantForeignKey("accounts.Member", null=True)  # who wrote it by hand
    answers = TenantForeignKey("campaigns.InboundMail", models.DB_SET_NULL, null=True)  # of a reply
    to_address = models.CharField(max_length=254)
    to_name = models.CharField(max_length=250, blank=True)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    message_id = models.CharField(max_length=250, blank=True)  # without <>; HMAC of the row id: same on each attempt
    in_reply_to = models.CharField(max_length=250, blank=True)
    references = models.TextField(blank=True)
    key = models.CharField(max_length=120, blank=True)  # idempotency of replies and manual mails
    due_at = models.DateTimeField()
    hold_reason = models.CharField(max_length=300, blank=True)  # why it still waits, in words
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)  # by the database's clock
    submitted_at = models.DateTimeField(null=True)  # the point of no return
    # The point of no return of the first copy, whose answer was lost, once a person chose to send it again.
    first_submitted_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    response = models.CharField(max_length=500, blank=True)  # the server's words
    settled_by = models.CharField(max_length=24, blank=True)  # server, sent_folder, bounce, reply, click, person, time
    provider_id = models.CharField(
        max_length=250, blank=True
    )  # its id at a sending service, or the Message-ID it was given
    reconciled_at = models.DateTimeField(null=True)  # the Sent folder was last searched for it
    copied_at = models.DateTimeField(null=True)  # its copy stands in the Sent folder
    bounced_at = models.DateTimeField(null=True)
    bounce_type = models.CharField(max_length=6, blank=True)  # hard, soft, policy
    replied_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "enrolment", "step"],
                condition=Q(enrolment__isnull=False, step__isnull=False),
                name="message_once",
            ),
            models.UniqueConstraint(fields=["workspace", "key"], condition=~Q(key=""), name="message_key"),
            models.UniqueConstraint(
                fields=["workspace", "message_id"], condition=~Q(message_id=""), name="message_message_id"
            ),
            one_of("kind", MessageKind, "message_kind"),
            one_of("state", MessageState, "message_state"),
            # What is past the point of no return can never be planned again.
            models.CheckConstraint(
                condition=~Q(state="planned") | Q(submitted_at__isnull=True), name="message_no_return"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "mailbox", "due_at"], condition=Q(state="planned"), name="message_due"),
            # Follow-ups go first, and a claim must not sort everything that is due to find them.
            models.Index(
                fields=["workspace", "mailbox", "due_at"],
                condition=Q(state="planned") & ~Q(in_reply_to=""),
                name="message_due_follow",
            ),
            models.Index(fields=["workspace", "mailbox", "-submitted_at"], name="message_submitted"),
            models.Index(fields=["workspace", "campaign", "state"], name="message_campaign"),
            models.Index(fields=["workspace", "person", "-created_at"], name="message_person"),
            models.Index(fields=["workspace", "-created_at", "-id"], name="message_created"),
            models.Index(fields=["workspace", "enrolment"], name="message_enrolment"),
            models.Index(
                fields=["workspace", "mailbox", "submitted_at"], condition=Q(state="unknown"), name="message_unknown"
            ),
            models.Index(
                fields=["workspace", "mailbox", "-bounced_at"],
                condition=Q(bounced_at__isnull=False),
                name="message_bounced",
            ),
            models.Index(
                fields=["workspace", "mailbox", "first_submitted_at"],
                condition=Q(first_submitted_at__isnull=False),
                name="message_again",
            ),
        ]


class TrackedLink(TenantModel):
    """A link of a message: clicks come through a signed token and go to this stored URL only."""

    message = TenantForeignKey("campaigns.Message", models.DB_CASCADE)
    position = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=2000)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "message", "position"], name="trackedlink_key")]


class LinkHit(AppendOnlyModel):
    """One request for a link of ours, raw, kept as it came: what it means is in its HitVerdict rows. Whose it was goes with
    the person, or by a retention rule."""

    erasable = ("ip", "user_agent", "headers")

    message = TenantForeignKey("campaigns.Message", models.DB_CASCADE)
    link = TenantForeignKey("campaigns.TrackedLink", models.DB_CASCADE, null=True)  # null: the hidden link
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    headers = models.JSONField(default=dict)  # those a classifier looks at: prefetch, purpose, accept, referer, via
    seconds_after = models.FloatField(null=True)  # since the mail was handed over

    class Meta(AppendOnlyModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "message", "at"], name="linkhit_message"),
            models.Index(fields=["workspace", "at", "id"], name="linkhit_at"),
        ]


class HitVerdict(AppendOnlyModel):
    """What one version of the classifier makes of a hit. The newest version of a hit decides."""

    erasable = ("reason", "features")

    hit = TenantForeignKey("campaigns.LinkHit", models.DB_CASCADE)
    version = models.PositiveSmallIntegerField()
    hit_class = models.CharField(max_length=9)  # human, automated, unsure
    reason = models.CharField(max_length=200)
    features = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta(AppendOnlyModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "hit", "version"], name="hitverdict_once")]


class InboundMailKind(models.TextChoices):
    REPLY = "reply", "Reply"
    BOUNCE = "bounce", "Bounce"
    AUTO_REPLY = "auto_reply", "Automatic reply"
    UNSUBSCRIBE = "unsubscribe", "Unsubscribe request"
    COMPLAINT = "complaint", "Complaint"
    LEFT = "left_company", "Left the company"
    LINKEDIN = "linkedin", "LinkedIn notification"
    OTHER = "other", "Other mail"


class IntentBy(models.TextChoices):
    RULES = "rules", "Rules"
    MODEL = "model", "Model"
    PERSON = "person", "Person"


class InboundMail(TenantModel):
    """One mail that came in, matched to message, person and enrolment, with the reason for the match."""

    Kind = InboundMailKind
    IntentBy = IntentBy

    mailbox = TenantForeignKey("campaigns.Mailbox", models.DB_CASCADE)
    folder = TenantForeignKey("campaigns.MailFolder", models.DB_SET_NULL, null=True)  # where IMAP found it
    uid = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64)  # of Message-ID, or of the bytes where it has none
    mime_id = models.CharField(max_length=500, blank=True)  # its Message-ID header
    from_address = models.CharField(max_length=254, blank=True)
    from_name = models.CharField(max_length=250, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)  # the new text, without quotes and signature
    kind = models.CharField(max_length=12, choices=Kind.choices)
    intent = models.CharField(max_length=16, blank=True)
    # Who decided on the intent; '' where the mail has none. The database has the default too: during an update the processes
    # of the version before still add rows.
    intent_by = models.CharField(max_length=6, choices=IntentBy.choices, blank=True, default="", db_default="")
    confidence = models.FloatField(null=True)
    why = models.CharField(max_length=500, blank=True)
    message = TenantForeignKey("campaigns.Message", models.DB_SET_NULL, null=True)
    enrolment = TenantForeignKey("campaigns.Enrolment", models.DB_SET_NULL, null=True)
    person = TenantForeignKey("prospects.Person", models.DB_SET_NULL, null=True)
    match_reason = models.CharField(max_length=200, blank=True)
    effect = models.CharField(max_length=300, blank=True)  # what it changed, in words
    back_on = models.DateField(null=True)  # away until, or "not now" until
    # People it names: [{"name", "address", "why", "person": id or null}], for a referral or a successor.
    suggested = models.JSONField(default=list)
    detail = models.JSONField(default=dict)  # recipients of a bounce, who accepted on LinkedIn, the model's scores
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    # A person said what it wants; `intent` is theirs then, and `why` still tells what the rules thought.
    corrected_by = TenantForeignKey("accounts.Member", null=True)
    corrected_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)  # answered, or needs no answer
    done_by = TenantForeignKey("accounts.Member", null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "mailbox", "digest"], name="inboundmail_once"),
            one_of("kind", InboundMailKind, "inboundmail_kind"),
            models.CheckConstraint(condition=Q(intent_by__in=["", *IntentBy.values]), name="inboundmail_intent_by"),
        ]
        indexes = [
            models.Index(fields=["workspace", "-received_at", "-id"], name="inboundmail_received"),
            models.Index(fields=["workspace", "person", "-received_at"], name="inboundmail_person"),
            models.Index(
                fields=["workspace", "-received_at", "-id"], condition=Q(done_at__isnull=True), name="inboundmail_open"
            ),
            models.Index(fields=["workspace", "mailbox", "mime_id"], name="inboundmail_mime"),
        ]
