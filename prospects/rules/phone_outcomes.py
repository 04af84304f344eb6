"""Phone numbers, pure: what kind a number is, and what an outcome of a call says of it."""

import phonenumbers
from phonenumbers import PhoneNumberType as Type

KINDS = {
    Type.MOBILE: "mobile", Type.FIXED_LINE: "fixed line", Type.FIXED_LINE_OR_MOBILE: "fixed line or mobile",
    Type.TOLL_FREE: "toll-free", Type.PREMIUM_RATE: "premium rate", Type.VOIP: "internet (VoIP)", Type.SHARED_COST: "shared cost",
    Type.PERSONAL_NUMBER: "personal number", Type.UAN: "company number", Type.PAGER: "pager", Type.VOICEMAIL: "voicemail",
}  # fmt: skip
# Outcome of a call (campaigns.actions.queue.CALL_OUTCOMES) -> state of the number.
STATES = {
    "connected_positive": "reached", "connected_negative": "reached", "callback": "reached", "voicemail": "voicemail",
    "no_answer": "no_answer", "wrong_number": "wrong", "do_not_call": "barred",
}  # fmt: skip


def kind_of(number: str) -> str:
    """ "mobile", "fixed line"...; '' where the plan of its country does not say, or it is no E.164 number."""
    if not number.startswith("+"):
        return ""
    try:
        return KINDS.get(phonenumbers.number_type(phonenumbers.parse(number)), "")
    except phonenumbers.NumberParseException:
        return ""
