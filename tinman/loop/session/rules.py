"""The policies of a loop, asked in their order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tinman.errors import LoopConfigError
from tinman.loop.policies import Decision, DecisionKind, Policy
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.state.records import Call, State
from tinman.loop.trace import Trace


@dataclass(frozen=True)
class Rules:
    """Asks every policy and tells the trace of a STOP. Raises ``LoopConfigError`` for what is no ``Decision``."""

    policies: Sequence[Policy]
    trace: Trace

    def stop_before_round(self, state: State) -> Stop | None:
        """Return how the first policy that says STOP ends the loop before another round."""
        for policy in self.policies:
            decision = _check(policy, policy.before_iteration(state))
            if decision.kind is DecisionKind.STOP:
                return self._stop(policy, decision)
        return None

    def judge(self, state: State, call: Call) -> Stop | Decision | None:
        """Return the first STOP about a call, else the first PAUSE, else ``None``."""
        pause = None
        for policy in self.policies:
            arguments = json.loads(json.dumps(call.args))  # a copy: a policy cannot alter the call
            decision = _check(policy, policy.before_action(state, call.tool, arguments))
            if decision.kind is DecisionKind.STOP:
                return self._stop(policy, decision)
            if decision.kind is DecisionKind.PAUSE:
                pause = pause or decision
        return pause

    def _stop(self, policy: Policy, decision: Decision) -> Stop:
        self.trace.tell("policy.stop", policy=policy.name, reason=decision.reason)
        status = decision.status or LoopStatus.ERROR
        return Stop(
            status=status,
            reason=f"{policy.name}: {decision.reason}",
            error="PolicyStop" if status is LoopStatus.ERROR else "",
        )


def _check(policy: Policy, decision: object) -> Decision:
    if not isinstance(decision, Decision):
        raise LoopConfigError(f"policy {policy.name} returned a {type(decision).__name__}; return a Decision")
    return decision
