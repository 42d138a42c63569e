"""The limits on submitting: how many tasks may be pending, and how fast they may come."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.api.routing import all_endpoints
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import running_service


def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    """Beyond the limit a submission is 429 with ``queue_full`` and a Retry-After, and is not taken."""
    with running_service(tmp_path / "data", max_pending=2) as service:
        ada, wim = service.as_(cast.ADA), Machine(service.as_(cast.WIM))
        first, _second = submit(ada), submit(ada)
        before = service.count_events()
        for path, body in (
            ("/tasks", {"command": "true"}),
            ("/tasks/batch", {"tasks": [{"command": "true"}]}),
            ("/files/read", {"path": "/x"}),
            (f"/tasks/{first}/rerun", {}),
        ):
            response = ada.post(path, body)
            assert (response.status_code, response.get_json()["code"]) == (429, "queue_full"), path
            assert response.headers["Retry-After"]
        assert service.count_events() == before
        wim.claim()
        assert submit(ada)


def test_a_batch_that_does_not_fit_is_refused_whole(tmp_path: Path) -> None:
    """A batch is weighed as a whole against the limit."""
    with running_service(tmp_path / "data", max_pending=3) as service:
        ada = service.as_(cast.ADA)
        submit(ada)
        batch = {"tasks": [{"command": "true"}] * 3}
        assert ada.post("/tasks/batch", batch).get_json()["code"] == "queue_full"
        assert ada.post("/tasks/batch", {"tasks": batch["tasks"][:2]}).status_code == 200


def test_the_rate_is_each_tokens_own(tmp_path: Path) -> None:
    """Whoever submits too fast is told to wait, with a code; others go on."""
    with running_service(tmp_path / "data", rate_limit="3 per hour") as service:
        ada = service.as_(cast.ADA)
        for _ in range(3):
            submit(ada)
        before = service.count_events()
        response = ada.post("/tasks", {"command": "true"})
        assert (response.status_code, response.get_json()["code"]) == (429, "rate_limited")
        assert 60 < int(response.headers["Retry-After"]) <= 3601
        assert response.headers["Retry-After"]
        assert response.headers["X-Request-Id"]
        assert service.count_events() == before
        assert submit(service.as_(cast.BEN))


def test_the_rate_is_shared_by_all_submitting_routes(tmp_path: Path) -> None:
    """Files, batches and reruns count as submissions; reading does not."""
    with running_service(tmp_path / "data", rate_limit="2 per hour") as service:
        ada = service.as_(cast.ADA)
        task_id = submit(ada)
        ada.post("/files/read", {"path": "/x"})
        for path, body in (
            ("/tasks", {"command": "true"}),
            ("/tasks/batch", {"tasks": [{"command": "true"}]}),
            ("/files/write", {"path": "/x", "content": ""}),
            (f"/tasks/{task_id}/rerun", {}),
        ):
            assert ada.post(path, body).status_code == 429, path
        assert ada.get("/tasks").status_code == 200
        assert ada.post(f"/tasks/{task_id}/cancel").status_code == 200


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}", "{}", " Bearer {} "])
def test_another_spelling_of_the_header_is_the_same_token(tmp_path: Path, form: str) -> None:
    """The rate belongs to the token, however its header is written."""
    with running_service(tmp_path / "data", rate_limit="1 per hour") as service:
        submit(service.as_(cast.ADA))
        headers = {"Authorization": form.format(cast.ADA.token)}
        response = service.as_(cast.NOBODY).post("/tasks", {"command": "true"}, headers=headers)
        assert response.status_code == 429


def test_workers_are_never_slowed(tmp_path: Path) -> None:
    """No worker's route has a rate: an old worker would die of a 429."""
    limited = {endpoint.path for endpoint in all_endpoints(SUBJECTS) if endpoint.limited}
    assert limited == {
        *("/tasks", "/tasks/batch", "/tasks/{task_id}/rerun", "/claude", "/codex", "/gemini", "/notify"),
        *("/schedules", "/schedules/{name}/run"),
    } | {f"/files/{what}" for what in ("read", "write", "edit")}
    with running_service(tmp_path / "data", rate_limit="1 per hour") as service:
        wim, old = Machine(service.as_(cast.WIM)), service.as_(cast.OLD)
        for _ in range(5):
            wim.sync()
            assert wim.tell().status_code == 200
            assert old.get("/worker/poll?wait=0").status_code == 200
