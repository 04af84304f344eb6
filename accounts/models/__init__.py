from accounts.models.audit import AuditEntry
from accounts.models.system_mail import SystemMail
from accounts.models.tokens import ApiToken, IdempotencyRecord
from accounts.models.users import User, display_name
from accounts.models.workspaces import Invitation, Member, Role, Workspace

__all__ = [
    "ApiToken",
    "AuditEntry",
    "IdempotencyRecord",
    "Invitation",
    "Member",
    "Role",
    "SystemMail",
    "User",
    "Workspace",
    "display_name",
]
