"""Enrolment and outbox against a small model (outbox_machine). HYPOTHESIS_PROFILE=long runs twenty times as many."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.outbox_machine import Outbox

pytestmark = pytest.mark.django_db


@pytest.mark.slow
@pytest.mark.timeout(400)  # on a busy machine; alone it takes a tenth of it
def test_whatever_happens_in_whatever_order(db: Any) -> None:
    long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    examples = 15 * (20 if long else 1)
    run_state_machine_as_test(
        Outbox,
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            # Making a failing example short takes minutes: asked for by the long profile.
            phases=[phase for phase in Phase if long or phase not in {Phase.shrink, Phase.explain}],
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
