from campaigns.models.capture import Form, Submission
from campaigns.models.enrolments import Enrolment, StepRun
from campaigns.models.mailboxes import Mailbox
from campaigns.models.messages import InboundMail, Message, TrackedLink
from campaigns.models.sequences import Sequence, SequenceMailbox, SequenceVersion, Step

__all__ = [
    "Enrolment",
    "Form",
    "InboundMail",
    "Mailbox",
    "Message",
    "Sequence",
    "SequenceMailbox",
    "SequenceVersion",
    "Step",
    "StepRun",
    "Submission",
    "TrackedLink",
]
