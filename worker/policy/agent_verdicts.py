"""The verdict on a task for an agent."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from worker.answers import Claim
from worker.errors import JournalFailed
from worker.executors.agents.payload import AgentTrouble
from worker.executors.agents.planning import Planner
from worker.executors.paths import FileTrouble
from worker.orders import AgentCall, Plan
from worker.policy import agents, digesting
from worker.policy.asked import Asked, NotUnderstood
from worker.policy.deciding import Finding, decide
from worker.policy.loading import Policy
from worker.policy.programs import Program, Programs
from worker.verdicts import Verdict


def judge(
    claim: Claim,
    policy: Policy,
    planner: Planner,
    programs: Programs,
    env: Mapping[str, str],
    *,
    signer: str | None = None,
) -> Verdict:
    """Plan the task, and decide on what came out; *env* maps names to digests of values.

    Raises ``NotUnderstood`` where nothing can be planned, pydantic's ``ValidationError`` too.
    """
    rules = policy.agents[claim.kind]
    try:
        call, plan = planner.plan(claim.kind, claim.payload, rules.terms, home_folder=policy.home_folder)
    except (AgentTrouble, FileTrouble, JournalFailed) as error:
        raise NotUnderstood(str(error)) from error
    program = programs.find(planner.command(claim.kind), Path.home())
    plan = replace(plan, program=None if program is None else program.path)
    asked = Asked(claim.kind, claim.submitted_by or "", claim.payload, cwd=plan.cwd, signer=signer)
    finding = _find(policy, asked, plan, call, program=program, programs=programs)
    content = agents.digested(asked, plan, call, env=env, programs=programs, policy=policy.digest)
    why = f"{finding.rule}: {finding.why}"
    return Verdict(
        finding.answer,
        finding.rule,
        digesting.digest(content),
        policy.digest,
        why=finding.why,
        describe=agents.described(asked, plan, call, why) if finding.answer == "ask" else None,
        plan=plan,
        timeout_ms=policy.timeout_ms,
    )


def _find(
    policy: Policy, asked: Asked, plan: Plan, call: AgentCall, *, program: Program | None, programs: Programs
) -> Finding:
    forbidden = policy.agents[asked.kind].forbid(plan, call)
    if forbidden is not None:
        key, why = forbidden
        return Finding("deny", f"agents.{call.cli}: {key}", why)
    finding = decide(policy, asked, programs)
    if finding.answer == "allow" and program is not None and not program.safe:
        why = f"others than root and this user can write {program.path}, so no rule may allow it"
        return Finding("ask", f"agents.{call.cli}: program", why)
    return finding
