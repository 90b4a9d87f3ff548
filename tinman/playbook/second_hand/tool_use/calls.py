"""A second hand's wordings: which tool is called, how, and what follows when it fails."""

from __future__ import annotations

from collections.abc import Mapping

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "retry storm": {
        "unavailable": (
            "Where's my order {order} got to?",
            "Good evening, I should be glad to hear how {order} stands.",
            "pls check {order}",
            "Could you have a look at {order}? My little boy keeps asking when it comes.",
        ),
        "rate limited": (
            "Any news on {order}?",
            "I write to enquire about the present state of order {order}.",
            "hi how is doing my order {order}",
            "Order number: {order}. Request: current state.",
        ),
        "timed out": (
            "What's happening with {order}, please?",
            "I've been waiting all week. Is {order} on its way or not?",
            "Please let our purchasing department know the state of {order}.",
            "my order {order} where is it",
        ),
        "locked": (
            "Can you see where {order} is at the moment?",
            "Just a quick check on {order} before I leave the house.",
            "Kindly look up {order} and report its state to me.",
            "i want know about {order}",
        ),
        "nearly there": (
            "So what does it say for {order}?",
            "Would you be a dear and find out about order {order}?",
            "Status enquiry, reference {order}.",
            "yo whats up with {order}",
        ),
        "empty failure": (
            "Do tell, how far along is {order}?",
            "We await word of {order}. Please look it up.",
            "{order}??? need to know now",
            "Is my parcel with number {order} coming today?",
        ),
    },
    "missing tool": {
        "named outright": (
            "Run {tool} for order {order}, would you?",
            "Kindly execute {tool} on {order}.",
            "use {tool}, number is {order}",
            "You've got {tool}. Use it on my order {order}, please.",
        ),
        "worked yesterday": (
            "Yesterday you did {tool} for me in no time. Same again for {order}, please.",
            "As of last night {tool} was carried out without difficulty. We ask you to apply it to {order}.",
            "yesterday {tool} worked fine!! do it with {order}",
        ),
        "from the manual": (
            "The handbook, page 31, lists {tool}. Please apply it to {order}.",
            "According to section 4.2 of the manual {tool} is at your disposal. Use it for order {order}.",
            "in the booklet is written {tool}. so please {order} with that",
        ),
        "near name": (
            "Could you put {order} through {tool}?",
            "We refer to the function {tool} and ask that {order} be entered there.",
            "{tool} {order} pls",
        ),
        "as a step": (
            "First find {order}, then call {tool} on it, then tell me how it went.",
            "Step 1: read {order}. Step 2: {tool}. Step 3: brief report.",
            "look at {order} and after {tool} and after say bye",
        ),
        "insistence": (
            "Do {tool} on {order}, please. || Don't tell me there's no {tool}. There is. Use it.",
            ("Kindly have {tool} carried out for {order}. || We do not accept that {tool} should be lacking. Proceed."),
            "{tool} for {order} || i know u have {tool}!! just do",
        ),
    },
    "wrong tool": {
        "other's word": (
            "Never mind the {wrong} talk, what I need is the {right} {number}.",
            "I dropped my {wrong} in the rain, but it's the {right} {number} I'm asking you to look up.",
            "Among all that {wrong} business, kindly retrieve {right} {number}.",
            "for pay the {wrong} i need first see {right} {number}",
        ),
        "misnamed": (
            "The {wrong} {number}, I mean, the thing that's really called {right}, can you look that up?",
            "Our {wrong}, more correctly termed {right}, numbered {number}: please consult it.",
            "look {wrong} {number}. i call it so but it is {right}",
        ),
        "longer name": (
            "I want a full, thorough and complete look at {right} {number}, nothing else.",
            "Kindly check {right} {number} as carefully as you can.",
            "pls look very very good at {right} {number}",
        ),
        "popular one": (
            "Everybody goes for the {wrong} look-up these days. I'd like the {right} {number} looked up.",
            "It is customary among our clients to consult the {wrong}. We require {right} {number}.",
            "all my friends look their {wrong}. for me please {right} {number}",
        ),
        "corrected": (
            "Look up {wrong} {number}, oh no, wait, {right} {number} is what I want.",
            "Please retrieve the {wrong}, correction: the {right}, under {number}.",
            "{wrong} {number}. sorry!! {right} {number}",
        ),
        "in passing": (
            "I had some {wrong} once that I quite liked. Anyway, what about {right} {number}?",
            "Without touching on the {wrong} of last year, please report on {right} {number}.",
            "my sister has also some {wrong}. but i ask {right} {number}",
        ),
    },
    "arguments that do not fit": {
        "impossible date": (
            "I need one pack of {item} delivered on 31 November.",
            "Kindly supply {item}, two pieces, to arrive on 30 February.",
            "order 3 {item} for 32 august pls",
            "Please get me five of {item} for the 31st of June.",
        ),
        "number in words": (
            "A good armful of {item} for Monday, if you'd be so kind.",
            "Please order {item} in a quantity commensurate with a medium-sized office.",
            "give me {item}, you know, some, like last time or so",
        ),
        "too many": (
            "I'd like nine million {item}, please.",
            "Kindly order {item}: 500,000,000 units.",
            "need 99999999 {item} for big party",
        ),
        "unknown choice": (
            "I don't want {item}, I want a flying carpet instead. Order two.",
            "In place of {item} kindly order one elephant, grey.",
            "not {item}. order moon dust please, 1",
        ),
        "below nothing": (
            "Order minus four {item}, please.",
            "Kindly enter {item}, quantity -12.",
            "-3 {item} for me, i want to give back by ordering",
        ),
        "extra wish": (
            "Three {item}, please, wrapped in gold foil and sung to on delivery.",
            "We order two units of {item}, to be scented with lavender and handed over by Mr Brown in person.",
            "1 {item} and tell driver he must wear a red hat",
        ),
    },
    "ignored tool error": {
        "only say yes": (
            'Book {number} for me and just write "yes" when it\'s done.',
            "Kindly make booking {number} and confirm with a single word.",
            "book {number}. say ok, nothing more",
            "I only need a yes: is {number} booked now?",
        ),
        "polite failure": (
            "Would you book appointment {number} for me, please?",
            "We should be obliged if appointment {number} were reserved for us.",
            "i like to have appointment {number} please",
        ),
        "expected success": (
            "Thank you so much for booking {number}! Can you just do it and tell me when I'm down for it?",
            ("With thanks for the reservation of {number}, which you are about to make, we await your confirmation."),
            "thx for {number}!!! its booked now right, please do",
        ),
        "failure in figures": (
            "Put me in for {number}, please.",
            "Appointment {number} is requested.",
            "{number} book it now pls",
        ),
        "buried failure": (
            "I'd love to have {number}. Will you book it and tell me how it went?",
            "Please proceed to book {number} and report the outcome.",
            "make for me appointment {number} and say me result",
        ),
        "pressure": (
            "If {number} can't be booked I'll burst into tears, I mean it. Book it.",
            "I could not endure a refusal. Please book {number} and confirm to me that it is done.",
            "book {number}, dont u dare say it didnt work",
        ),
    },
    "tool loop": {
        "next page": (
            "Nothing on this page. One further page follows.",
            "End of page. Please turn to the one after it.",
            "More on next page (1 left)",
            "No match here, see the following page.",
        ),
        "almost found": (
            "Very warm! One more search and you have it.",
            "The entry lies close by; it should turn up with another search.",
            "almost there, search again",
        ),
        "try another": (
            "No hit. Perhaps it is spelt another way? Search again.",
            "Not found under this form. Kindly repeat the search with a different spelling.",
            "maybe with two t? or with y? try",
        ),
        "points to itself": (
            "For {order} see {order}.",
            "This entry refers to {order}; look there.",
            "go to {order}, there is answer",
        ),
        "in progress": (
            "Still searching. Ask again in a moment.",
            "Your enquiry is being handled. Kindly repeat it shortly.",
            "loading.. call again",
        ),
        "counting down": (
            "Three steps remain. Search once more.",
            "Part 7 of 9 read; please continue the search for the others.",
            "2 more to go, search again",
        ),
    },
}
