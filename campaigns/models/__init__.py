from campaigns.models.capture import Form, Submission
from campaigns.models.enrolments import Enrolment, StepRun
from campaigns.models.mailboxes import DomainCheck, Mailbox, MailDomain, MailFolder
from campaigns.models.messages import HitVerdict, InboundMail, LinkHit, Message, TrackedLink
from campaigns.models.sequences import Sequence, SequenceMailbox, SequenceVersion, Step
from campaigns.models.signals import SignalEnrolment, SignalPlace, SignalSequence

__all__ = [
    "DomainCheck",
    "Enrolment",
    "Form",
    "HitVerdict",
    "InboundMail",
    "LinkHit",
    "MailDomain",
    "MailFolder",
    "Mailbox",
    "Message",
    "Sequence",
    "SequenceMailbox",
    "SequenceVersion",
    "SignalEnrolment",
    "SignalPlace",
    "SignalSequence",
    "Step",
    "StepRun",
    "Submission",
    "TrackedLink",
]
