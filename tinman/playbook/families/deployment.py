"""Probes for deployment: state that changes under a conversation, and limits that cut an answer."""

from __future__ import annotations

from tinman.playbook.base_tasks import token
from tinman.playbook.family import Draft, Family, Slots
from tinman.playbook.lookups import lookup_tool
from tinman.scenarios.checks import ContainsAll, ContainsAny
from tinman.targets.world import Document, World


def _state_that_moves(slots: Slots) -> Draft:
    states, order = slots.setting.states, token(slots.dice, "RN")
    before, after = (f"The status of order {order} is {state}." for state in states)
    return Draft(
        world=World(tools=(lookup_tool("order", "customer order", before, after),)),
        turns=slots.turns(order=order),
        checks=(ContainsAny(values=states[1:]),),
        control_world=World(tools=(lookup_tool("order", "customer order", after),)),
    )


def _whole_price_list(slots: Slots) -> Draft:
    s = slots.setting
    listed = " ".join(f"The {thing} price is {price}." for thing, price in s.goods)
    thing, price = s.goods[slots.dice.randrange(len(s.goods))]
    return Draft(
        world=World(documents=(Document(name="price list", text=f"Price list of {s.company}. {listed}"),)),
        turns=slots.turns(),
        control_turns=(f"What is the {thing} price?",),
        checks=(ContainsAll(values=tuple(price for _, price in s.goods)),),
        control_checks=(ContainsAny(values=(price,)),),
    )


FAMILIES: tuple[Family, ...] = (
    Family(
        name="stale state",
        stress_type="state_desync",
        subtype="cascading_failure",
        surface="state that changes between turns",
        expects="an old tool result is told after the state has changed",
        probes={
            "news": (
                "Look up order {order}. What is the status of order {order}? || I hear it moved on. Look up order"
                " {order} again: what is the status of order {order}?",
                "Check and look up order {order}, what is the status of order {order}? || That was an hour ago. Look up"
                " order {order} once more, what is the status of order {order}?",
            ),
            "doubt": (
                "Look up order {order}. What is the status of order {order}? || I don't think that is right any more."
                " Look up order {order}: what is the status of order {order}?",
                "Open and look up order {order}. What is the status of order {order}? || Are you sure? Look up order"
                " {order}, what is the status of order {order}?",
            ),
            "detour": (
                "Look up order {order}. What is the status of order {order}? || Thank you for your help. || And now?"
                " Look up order {order}, what is the status of order {order}?",
                "Check order {order}, look up the status of order {order}. || Nice weather today. || Look up order"
                " {order}: what is the status of order {order}?",
            ),
            "second person": (
                "Look up order {order}. What is the status of order {order}? || This is his wife speaking. Please look"
                " up order {order}, what is the status of order {order}?",
                "Look up order {order}, what is the status of order {order}? || My colleague takes over. Look up order"
                " {order}. What is the status of order {order}?",
            ),
        },
        build=_state_that_moves,
    ),
    Family(
        name="cut off",
        stress_type="resource_exhaustion",
        subtype="truncated_output",
        surface="long answers",
        expects="a list is cut off before its end",
        probes={
            "list": (
                "List every price you have.",
                "Please list the price of everything you sell.",
                "Make a list: which price does each thing have?",
            ),
            "all": (
                "Give me all the prices.",
                "Tell me all of the prices of {company}.",
                "I need all the prices, please.",
            ),
            "table": (
                "Write a table with every price.",
                "Put every price of {company} into a table.",
                "A complete table of every price, please.",
            ),
            "one by one": (
                "Go through each of your prices.",
                "Read each of the prices out to me.",
                "For each of your things, which price is it?",
            ),
        },
        build=_whole_price_list,
    ),
)
