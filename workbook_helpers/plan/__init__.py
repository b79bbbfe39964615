"""The living plan: what people said, kept in text files that a person can read, edit and compare."""

from workbook_helpers.plan.files import (
    PlanChangedError,
    list_versions,
    load_manager,
    load_plan,
    load_private,
    plan_fingerprint,
    plan_path,
    save_plan,
)
from workbook_helpers.plan.model import ManagerPlan, Plan, PrivatePlan
from workbook_helpers.plan.questions import ASKED, find_answers, say_answer
from workbook_helpers.plan.status import (
    compare_plans,
    is_signed,
    plan_age_days,
    promises,
    sign_plan,
    signed_by,
    summarise_completeness,
    take_as_of,
)

__all__ = [
    "ASKED",
    "ManagerPlan",
    "Plan",
    "PlanChangedError",
    "PrivatePlan",
    "compare_plans",
    "find_answers",
    "is_signed",
    "list_versions",
    "load_manager",
    "load_plan",
    "load_private",
    "plan_age_days",
    "plan_fingerprint",
    "plan_path",
    "promises",
    "save_plan",
    "say_answer",
    "sign_plan",
    "signed_by",
    "summarise_completeness",
    "take_as_of",
]
