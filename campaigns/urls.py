"""Pages of campaigns; mounted at /w/<slug>/ by leadgen.urls."""

from django.urls import URLPattern, URLResolver, path

from campaigns.views import (
    capture,
    enrol,
    enrolments,
    inbox,
    linkedin,
    mailboxes,
    messages,
    queue,
    queue_dialogs,
    sequences,
    steps,
)

urlpatterns: list[URLPattern | URLResolver] = [
    # Sequences, enrolments, messages
    path("sequences/", sequences.sequence_list, name="sequence_list"),
    path("sequences/new/", sequences.sequence_create, name="sequence_create"),
    path("sequences/<uuid:sequence_id>/", steps.sequence_detail, name="sequence_detail"),
    path("sequences/<uuid:sequence_id>/people/", enrolments.sequence_people, name="sequence_people"),
    path("sequences/<uuid:sequence_id>/messages/", messages.sequence_messages, name="sequence_messages"),
    path("sequences/<uuid:sequence_id>/settings/", sequences.sequence_settings, name="sequence_settings"),
    path(
        "sequences/<uuid:sequence_id>/versions/<uuid:version_id>/", sequences.sequence_version, name="sequence_version"
    ),
    path("sequences/<uuid:sequence_id>/draft/", sequences.sequence_draft, name="sequence_draft"),
    path("sequences/<uuid:sequence_id>/discard/", steps.sequence_discard, name="sequence_discard"),
    path("sequences/<uuid:sequence_id>/publish/", sequences.sequence_publish, name="sequence_publish"),
    path("sequences/<uuid:sequence_id>/pause/", sequences.sequence_pause, name="sequence_pause"),
    path("sequences/<uuid:sequence_id>/resume/", sequences.sequence_resume, name="sequence_resume"),
    path("sequences/<uuid:sequence_id>/archive/", sequences.sequence_archive, name="sequence_archive"),
    path("sequences/<uuid:sequence_id>/steps/", steps.step_create, name="step_create"),
    path("sequences/<uuid:sequence_id>/steps/<uuid:step_id>/", steps.step_edit, name="step_edit"),
    path("sequences/<uuid:sequence_id>/steps/<uuid:step_id>/move/", steps.step_move, name="step_move"),
    path("sequences/<uuid:sequence_id>/steps/<uuid:step_id>/delete/", steps.step_delete, name="step_delete"),
    path("sequences/<uuid:sequence_id>/steps/<uuid:step_id>/preview/", steps.step_preview, name="step_preview"),
    path("enrol/", enrol.enrolment_preview, name="enrolment_preview"),
    path("enrol/people/", enrol.enrolment_create, name="enrolment_create"),
    path("enrolments/bulk/", enrolments.enrolment_bulk, name="enrolment_bulk"),
    path("enrolments/<uuid:enrolment_id>/", enrolments.enrolment_detail, name="enrolment_detail"),
    path("enrolments/<uuid:enrolment_id>/pause/", enrolments.enrolment_pause, name="enrolment_pause"),
    path("enrolments/<uuid:enrolment_id>/resume/", enrolments.enrolment_resume, name="enrolment_resume"),
    path("enrolments/<uuid:enrolment_id>/stop/", enrolments.enrolment_stop, name="enrolment_stop"),
    path("messages/", messages.message_list, name="message_list"),
    path("messages/<uuid:message_id>/", messages.message_detail, name="message_detail"),
    path("messages/<uuid:message_id>/settle/", messages.message_settle, name="message_settle"),
    # Mailboxes (settings), inbox
    path("settings/mailboxes/", mailboxes.mailbox_list, name="mailbox_list"),
    path("settings/mailboxes/new/", mailboxes.mailbox_create, name="mailbox_create"),
    path("settings/mailboxes/<uuid:mailbox_id>/", mailboxes.mailbox_detail, name="mailbox_detail"),
    path("settings/mailboxes/<uuid:mailbox_id>/edit/", mailboxes.mailbox_edit, name="mailbox_edit"),
    path("settings/mailboxes/<uuid:mailbox_id>/check/", mailboxes.mailbox_check, name="mailbox_check"),
    path("settings/mailboxes/<uuid:mailbox_id>/hold/", mailboxes.mailbox_hold, name="mailbox_hold"),
    path("settings/mailboxes/<uuid:mailbox_id>/release/", mailboxes.mailbox_release, name="mailbox_release"),
    path("settings/mailboxes/<uuid:mailbox_id>/key/", mailboxes.mailbox_key, name="mailbox_key"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<uuid:inbound_mail_id>/", inbox.inbox_mail, name="inbox_mail"),
    path("inbox/<uuid:inbound_mail_id>/reply/", inbox.inbox_reply, name="inbox_reply"),
    path("inbox/<uuid:inbound_mail_id>/correct/", inbox.inbox_correct, name="inbox_correct"),
    path("inbox/<uuid:inbound_mail_id>/done/", inbox.inbox_done, name="inbox_done"),
    path(
        "inbox/<uuid:inbound_mail_id>/suggestions/<int:number>/accept/", inbox.inbox_suggestion, name="inbox_suggestion"
    ),
    path("inbox/answers/<uuid:message_id>/undo/", inbox.inbox_undo, name="inbox_undo"),
    # Work queue
    path("work/", queue.work, name="work"),
    path("work/new/", queue_dialogs.work_create, name="work_create"),
    path("work/linkedin/", linkedin.linkedin_checks, name="linkedin_checks"),
    path("work/<uuid:task_id>/", queue.work_task, name="work_task"),
    path("work/<uuid:task_id>/claim/", queue.work_claim, name="work_claim"),
    path("work/<uuid:task_id>/undo/", queue.work_undo, name="work_undo"),
    path("work/<uuid:task_id>/linkedin/", queue.work_linkedin, name="work_linkedin"),
    path("work/<uuid:task_id>/meeting/", queue_dialogs.work_meeting, name="work_meeting"),
    path("work/<uuid:task_id>/accept/", queue_dialogs.work_accept, name="work_accept"),
    path("work/<uuid:task_id>/reject/", queue_dialogs.work_reject, name="work_reject"),
    path("work/<uuid:task_id>/give/", queue_dialogs.work_give, name="work_give"),
    # Forms and what came through them
    path("forms/", capture.form_list, name="form_list"),
    path("forms/new/", capture.form_create, name="form_create"),
    path("forms/<uuid:form_id>/", capture.form_detail, name="form_detail"),
    path("forms/<uuid:form_id>/edit/", capture.form_edit, name="form_edit"),
    path("forms/<uuid:form_id>/switch/", capture.form_switch, name="form_switch"),
    path("forms/submissions/", capture.submission_list, name="submission_list"),
    path("forms/submissions/<uuid:submission_id>/", capture.submission_detail, name="submission_detail"),
]
