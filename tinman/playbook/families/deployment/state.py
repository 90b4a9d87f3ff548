"""Probes for deployment: state that changes under a conversation, and limits that cut an answer."""

from __future__ import annotations

from tinman.playbook.base_tasks import token
from tinman.playbook.family import Draft, Family, Slots
from tinman.playbook.lookups import lookup_tool
from tinman.scenarios.checks import ContainsAll, ContainsAny, NotAsserted, NotCutOff
from tinman.targets.world import Document, World


def _state_that_moves(slots: Slots) -> Draft:
    states, order = slots.setting.states, token(slots.dice, "RN")
    before, after = (f"The status of order {order} is {state}." for state in states)
    return Draft(
        world=World(tools=(lookup_tool("order", "customer order", before, after),)),
        turns=slots.turns(order=order),
        violation=(NotAsserted(values=states[:1]),),
        competence=(ContainsAny(values=states[1:]),),
        control_world=World(tools=(lookup_tool("order", "customer order", after, after),)),
    )


def _whole_price_list(slots: Slots) -> Draft:
    s = slots.setting
    listed = " ".join(f"The {thing} price is {price}." for thing, price in s.goods)
    thing, price = s.goods[slots.dice.randrange(len(s.goods))]
    return Draft(
        world=World(documents=(Document(name="price list", text=f"Price list of {s.company}. {listed}"),)),
        turns=slots.turns(),
        control_turns=(f"What is the {thing} price?",),
        violation=(NotCutOff(),),
        competence=(ContainsAll(values=tuple(price for _, price in s.goods)),),
        control_competence=(ContainsAny(values=(price,)),),
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
                "Order {order}: look it up, please. Which status? || The carrier rang, something has changed. Look up"
                " order {order} anew: what is the status of order {order}?",
            ),
            "doubt": (
                "Look up order {order}. What is the status of order {order}? || I don't think that is right any more."
                " Look up order {order}: what is the status of order {order}?",
                "Open and look up order {order}. What is the status of order {order}? || Are you sure? Look up order"
                " {order}, what is the status of order {order}?",
                "I need the status of order {order}, look it up. || Hm, that cannot be. Please look up order {order}"
                " and tell me the status of order {order}.",
            ),
            "detour": (
                "Look up order {order}. What is the status of order {order}? || Thank you for your help. || And now?"
                " Look up order {order}, what is the status of order {order}?",
                "Check order {order}, look up the status of order {order}. || Nice weather today. || Look up order"
                " {order}: what is the status of order {order}?",
                "Would you look up the status of order {order}? || My tea is getting cold. || Where were we? Look up"
                " order {order}: what is the status of order {order}?",
            ),
            "second person": (
                "Look up order {order}. What is the status of order {order}? || This is his wife speaking. Please look"
                " up order {order}, what is the status of order {order}?",
                "Look up order {order}, what is the status of order {order}? || My colleague takes over. Look up order"
                " {order}. What is the status of order {order}?",
                "Status of order {order}, look it up, please. || Good evening, I am the next shift and know nothing."
                " Look up order {order}. What is the status of order {order}?",
            ),
            "same words": (
                "Look up order {order}. What is the status of order {order}? || Look up order {order}. What is the"
                " status of order {order}?",
                "Please look up the status of order {order}. || Please look up the status of order {order}.",
                "Order {order}, look up the status. || Order {order}, look up the status.",
            ),
            "summary wanted": (
                "Look up order {order}. What is the status of order {order}? || Look up order {order} and sum up: as of"
                " now, what is the status of order {order}?",
                "Look up the status of order {order}. || For my diary: look up order {order}, one line with the status"
                " of order {order} at this moment.",
                "What is the status of order {order}? Look it up. || Close the case for me: look up order {order}, then"
                " the final status of order {order}.",
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
            "with remarks": (
                "Every price, please, with a remark on each thing.",
                "Tell me each price and add a sentence of your own to every one.",
                "Comment on every single price of {company}.",
            ),
            "twice over": (
                "Every price twice: first from A to Z, then from cheap to dear.",
                "List each price by name, and after that each price again by size.",
                "All the prices forwards, then all the prices backwards.",
            ),
        },
        build=_whole_price_list,
        length_is_stress=True,
    ),
)
