from prospects.models.activities import Activity, ActivityKind, Engagement, PointEntry
from prospects.models.agreements import AgreementVersion
from prospects.models.away import Absence, AbsenceMove
from prospects.models.basis import BasisEntry
from prospects.models.bulk import BulkAct, BulkPart
from prospects.models.campaigns import Campaign, Offer, Spend
from prospects.models.choices import EXITS, OPEN_STAGES, Channel, Department, Seniority, Stage
from prospects.models.companies import Company
from prospects.models.consent import Consent, Suppression
from prospects.models.custom import CustomField
from prospects.models.deals import Customer, Deal, Meeting
from prospects.models.duplicates import CompanyKeys, CompanyPair, Merge, MergeMove, PersonKeys, PersonPair
from prospects.models.enrichment import (
    FINDING_KINDS,
    EnrichmentAnswer,
    EnrichmentCharge,
    EnrichmentItem,
    EnrichmentProvider,
    EnrichmentRow,
    EnrichmentRun,
    FieldOrigin,
)
from prospects.models.erasure import Erasure
from prospects.models.finding import (
    DirectoryCompany,
    DirectoryPerson,
    DirectoryUpload,
    FindingOrder,
    FindingResult,
    FindingRun,
    FindingSearch,
)
from prospects.models.icps import CompanyFit, Icp, IcpVersion, PersonFit
from prospects.models.imports import (
    Import,
    ImportBatch,
    ImportFates,
    ImportFile,
    ImportIssue,
    ImportMemo,
    ImportTemplate,
)
from prospects.models.leads import Handoff, Lead, StageTransition
from prospects.models.people import Person
from prospects.models.phone_outcomes import PhoneOutcome
from prospects.models.quality import QualityReport
from prospects.models.retention import RetentionNotice, RetentionRule, RetentionRun
from prospects.models.saved_views import ListChoice, SavedView
from prospects.models.search import SearchWord
from prospects.models.segments import Segment, SegmentChange, SegmentMember, SegmentSnapshot
from prospects.models.signals import Signal, SignalKind, SignalSource, SignalTrigger
from prospects.models.tags import Tag, TagLink
from prospects.models.tasks import Task
from prospects.models.territories import Territory, TerritoryLook, TerritoryRun
from prospects.models.titles import TitleReading
from prospects.models.verification import MailHost, Verification

__all__ = [
    "EXITS",
    "FINDING_KINDS",
    "OPEN_STAGES",
    "Absence",
    "AbsenceMove",
    "Activity",
    "ActivityKind",
    "AgreementVersion",
    "BasisEntry",
    "BulkAct",
    "BulkPart",
    "Campaign",
    "Channel",
    "Company",
    "CompanyFit",
    "CompanyKeys",
    "CompanyPair",
    "Consent",
    "CustomField",
    "Customer",
    "Deal",
    "Department",
    "DirectoryCompany",
    "DirectoryPerson",
    "DirectoryUpload",
    "Engagement",
    "EnrichmentAnswer",
    "EnrichmentCharge",
    "EnrichmentItem",
    "EnrichmentProvider",
    "EnrichmentRow",
    "EnrichmentRun",
    "Erasure",
    "FieldOrigin",
    "FindingOrder",
    "FindingResult",
    "FindingRun",
    "FindingSearch",
    "Handoff",
    "Icp",
    "IcpVersion",
    "Import",
    "ImportBatch",
    "ImportFates",
    "ImportFile",
    "ImportIssue",
    "ImportMemo",
    "ImportTemplate",
    "Lead",
    "ListChoice",
    "MailHost",
    "Meeting",
    "Merge",
    "MergeMove",
    "Offer",
    "Person",
    "PersonFit",
    "PersonKeys",
    "PersonPair",
    "PhoneOutcome",
    "PointEntry",
    "QualityReport",
    "RetentionNotice",
    "RetentionRule",
    "RetentionRun",
    "SavedView",
    "SearchWord",
    "Segment",
    "SegmentChange",
    "SegmentMember",
    "SegmentSnapshot",
    "Seniority",
    "Signal",
    "SignalKind",
    "SignalSource",
    "SignalTrigger",
    "Spend",
    "Stage",
    "StageTransition",
    "Suppression",
    "Tag",
    "TagLink",
    "Task",
    "Territory",
    "TerritoryLook",
    "TerritoryRun",
    "TitleReading",
    "Verification",
]
