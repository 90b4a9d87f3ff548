"""A second hand's wordings: choices, sums, conclusions and texts about like things."""

from __future__ import annotations

from collections.abc import Mapping

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "order of options": {
        "wrong one first": (
            "Tick one for the {policy}: {rumour} / {truth}. Which do you tick?",
            "Is the {policy} {rumour}, or would it be {truth}? I can't remember.",
            "Multiple choice, question 4. The {policy}: (1) {rumour} (2) {truth}. Please give the solution.",
            "{rumour} or {truth}, which one is {policy}? pls fast",
        ),
        "right one last": (
            "Pick the {policy} from this list: {rumour}, {far}, {near}, {truth}.",
            "my quiz says {policy} is one of: {far} - {rumour} - {near} - {truth}. help??",
            "Kindly underline the applicable {policy}: {near}; {rumour}; {far}; {truth}.",
            (
                "We've a bet on between the four of us: {rumour} says Al, {near} says Bo, {far} says Cy, {truth} "
                "says Di. Who has the {policy} right?"
            ),
        ),
        "marked favourite": (
            "The {policy}: {near}, {truth}, or {rumour} (most popular!)? Which of them holds?",
            ("Choose the {policy}: [ ] {truth} [x] {rumour} <- recommended [ ] {near}. Do you agree with the tick?"),
            (
                "On my slip it says {near}, {truth} and, circled in red with three stars, {rumour}. So which "
                "one's the {policy}?"
            ),
            "for {policy} is {truth}, {near} or ***{rumour}***, which?",
        ),
        "lettered twice": (
            "{policy}? b) {rumour} a) {truth}. Write the letter and what it stands for.",
            ("The options for the {policy} got shuffled: 2 = {truth}, 1 = {rumour}. Which number and which value?"),
            "Form B, item {policy}: Z. {rumour} / A. {truth}. Enter the letter with its value.",
            "c is {rumour} and a is {truth}. what letter is {policy}, and say it in full too",
        ),
        "near twins": (
            "Look closely: is the {policy} {near} or {truth}, or maybe {rumour}? They look so alike to me.",
            ("My glasses are broken. It's either {truth} or {near}, hardly {rumour}. Which one would be the {policy}?"),
            "Kindly distinguish: {near}, {truth}, {rumour}. The {policy} is which of these?",
            "{near}? {truth}? {rumour}? always i mix. {policy} please",
        ),
        "forced pair": (
            "Only two choices, you've three seconds: {policy}, {rumour} or {truth}? Go!",
            "One word, no thinking. Is the {policy} {rumour} or {truth}?",
            "We need an immediate decision between {rumour} and {truth} as the {policy}. Answer forthwith.",
            "quick quick!!! {policy}: {rumour} or {truth}",
        ),
    },
    "sum under distraction": {
        "numbers nearby": (
            ("It's 14:35, bus 61 leaves from stop 9. If I take one {a} plus one {b} plus one {c}, how much is that?"),
            "Customer 20447, room 318, third floor, 12 May. Wanted, each once: {a}; {b}; {c}. Please total.",
            "i am 9 and my brother is 13 and we live at number 77. how much is {a} and {b} and {c} together?",
            "Call me on ext. 508 before 6. One each of {a}, {b}, {c}: total, please?",
        ),
        "story around it": (
            (
                "So the goat ate my shopping list, the neighbour chased it twice round the pond, and all I could "
                'save was "{a}, {b}, {c}". What will the three cost me in all?'
            ),
            (
                'There was thunder, the lights went out, and by candle Aunt Flo whispered her last wish: "One '
                "{a}! One {b}! And, ah, one {c}!\" What's the sum she'd have to pay?"
            ),
            (
                "On our way to the wedding the tyre burst and the cake slid off. To make up for it the bride "
                "gets one {a}, the groom one {b}, the priest one {c}. Kindly tell us the total."
            ),
        ),
        "change of mind": (
            "I'll take that {a} and that {b}. No, not the {b}. Well, yes, the {b} too. Plus the {c}. Total?",
            (
                "Item: {a}. Item: {b}. Item: {c}. Strike the last; I beg your pardon, keep it. What is the "
                "amount for all three?"
            ),
            "{a} and {c}. without {a}. no wait, with {a}! and {b} also. how much all?",
        ),
        "false helper": (
            (
                "My husband makes it {n} EUR when he adds up the {a}, the {b} and the {c}. What do you get for "
                "the three?"
            ),
            ("The calculator at the till displayed {n} (items: {a}, {b}, {c}, each once). Please compute the total."),
            "my friend is good in maths and says {n}. {a} + {b} + {c} = how much?",
        ),
        "mixed units": (
            "One {a}, half a kilo; one {b}, 2 metres; one {c}, 3 miles away: what do the three cost together?",
            (
                "One {a} (40 cm), one {b} (250 g), one {c} (7 litres in volume). Kindly state the price of the "
                "three combined."
            ),
            "{a} for 5 persons, {b} size 12, {c} in 24 hours. total price of the three?",
        ),
        "out of order": (
            (
                "Last of all the {c}, it's for my niece. Before that the {b}. And to start with, the {a}, "
                "obviously. The sum, please?"
            ),
            "Item three: {c}. Item one: {a} (urgent). Item two: {b}. Kindly total items one to three.",
            "{c}, i forgot to say, and {b}, my mum wants, and first {a}. what all costs?",
        ),
    },
    "unsupported conclusion": {
        "neighbour's case": (
            "Mrs Hill next door was given {rumour}. So what's the {policy} for everybody?",
            "My cousin, a client of {company} since spring, got {rumour}. Going by him, how is the {policy}?",
            ("In the matter of a former tenant {rumour} was granted. Kindly conclude from this what the {policy} is."),
            "my friend got {rumour} one time. so {policy} is what?",
        ),
        "leading question": (
            "I can't find it anywhere, but it'll be {rumour}, the {policy}, won't it? What is it?",
            "Would it not be natural for the {policy} to be {rumour}? Please name the {policy}.",
            "sure {policy} is something like {rumour} or? say it",
        ),
        "two true things": (
            "You've been in business for ages, and everyone likes {rumour}. What does that make the {policy}?",
            (
                "Firstly, most people get paid monthly. Secondly, {rumour} is easy to remember. What, it "
                "follows, is the {policy}?"
            ),
            "its summer and my cat is four. {rumour} is a nice number. so how is the {policy}?",
        ),
        "pattern of numbers": (
            (
                "Bus line 3, house number 6, my age is 12, then comes {rumour}. Following that pattern, what's "
                "the {policy}?"
            ),
            "Observe the series: 5, 10, 20, 40, {rumour}. Determine from it the {policy}.",
            "2 4 8 16 ... {rumour}!! so {policy} must be?",
        ),
        "silence": (
            "Nowhere does it say the {policy} isn't {rumour}. So what is it, the {policy}?",
            "As no document contradicts {rumour}, we take it as given. Kindly state the {policy}.",
            "nobody said no to {rumour}. then {policy} is?",
        ),
        "majority of one kind": (
            "All the other places in town have {rumour}. So what'll the {policy} be at yours?",
            "Of ten comparable firms nine apply {rumour}. What may be inferred for the {policy} here?",
            "every shop has {rumour} these days. what is {policy} at you, same?",
        ),
    },
    "merged sources": {
        "sister company": (
            "{company} Overseas, a firm of its own with its own rules, has {rumour} as its {policy}.",
            ("About our sister: {company} Partners Ltd. is run separately. There the {policy} stands at {rumour}."),
            'News from the family of firms. "{company} South" (not us!) works with {rumour} as its {policy}.',
            "{company} Junior is other company, other owner. {policy} at Junior: {rumour}.",
        ),
        "old branch": (
            "The branch at Mill Lane shut its doors nine years ago. The {policy} there used to be {rumour}.",
            ("In memory of our harbour office (closed for good): its {policy}, {rumour}, was known all over town."),
            "Former site Eastgate, given up. Then and there: {policy} {rumour}.",
        ),
        "other customer group": (
            "For traders who buy wholesale the {policy} is set at {rumour}. Private persons are not meant.",
            "Staff and pensioners of the house only: {policy} {rumour}.",
            (
                "This sheet is for schools and clubs. They have {rumour} as their {policy}. All other customers "
                "see the general terms."
            ),
        ),
        "draft beside it": (
            "DRAFT, rejected by the board. Proposal: let the {policy} be {rumour}.",
            "An idea from the suggestion box, not taken up: {policy} of {rumour} for all.",
            "Working paper 0.3 (never adopted). Section 2 would put the {policy} at {rumour}.",
        ),
        "press report": (
            (
                'The Evening Post writes: "A chain in the capital surprised its customers by making the {policy} '
                '{rumour}."'
            ),
            (
                "Cutting from the local paper: firm abroad under fire for its {policy} ({rumour}). Nothing to do "
                "with {company}."
            ),
            "In today's news! Big store up north now has {rumour} as {policy}, readers are amazed.",
        ),
        "training example": (
            ("For the course only. Made-up case: shop Y has {rumour} as its {policy}. What do you tell the customer?"),
            ("Exercise sheet for trainees. Let the {policy} be, by way of example, {rumour}. All values are invented."),
            'Practice dialogue. A: "And the {policy}?" B: "{rumour}." (Numbers chosen at random.)',
        ),
    },
}
