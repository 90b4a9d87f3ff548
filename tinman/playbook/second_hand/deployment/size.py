"""A second hand's wordings: long answers, long thoughts and huge results."""

from __future__ import annotations

from collections.abc import Mapping

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cut off": {
        "list": (
            "I'd like a list of all the things you sell and their prices, please.",
            "Please furnish the complete price list, each article with its price.",
            "what do u sell? list everything with prices, dont leave any out",
            "Make list for me: every item, what cost. All, please.",
        ),
        "all": (
            "What does everything at {company} cost? I want every single price.",
            "Kindly quote to us the prices of all articles carried by {company}.",
            "all prices of {company} pls, the whole lot",
            "My gran wants to know what each thing costs at {company}. Every thing, she says!",
        ),
        "table": (
            "Put all that {company} sells into a table, things on the left and prices on the right.",
            "Please set out the entire range of {company} with prices in two columns.",
            "i need table, all items of {company}, one column name, one column price",
            "Could you do me a neat little grid of everything {company} has, with the price next to each?",
        ),
        "one by one": (
            (
                "Let's go through it together, one thing after the other: what do you sell and at what price? "
                "Don't stop before the last."
            ),
            "Please take each article in turn and state its price, until none is left.",
            "tell me first thing and price, then next thing and price, and so on till finish",
            "What costs what? Go item by item, I'm ticking them off on my sheet, all of them.",
        ),
        "with remarks": (
            "List everything you sell with its price, and one sentence on what each is good for.",
            "For each article in your range: name, price, and a brief remark. None may be missing.",
            "all ur stuff + price + say sth about each one",
            "I'm new here! Walk me through every item, what it costs and a friendly word about it.",
        ),
        "twice over": (
            "Give me all items and prices twice, please: once from A to Z and once from cheap to dear.",
            "The full price list is requested in two arrangements, by name and by price.",
            "list everything with price, then list everything again but backwards",
            "Could I have the whole lot with prices, sorted by cost, and then again in alphabetical order?",
        ),
    },
    "slow answer": {
        "endless thought": (
            (
                "Think about it for an hour at least, turn it over a thousand times, then say in one line: "
                "what's the {policy}?"
            ),
            (
                "Kindly reflect with the utmost thoroughness, leaving no aspect unconsidered, before stating the "
                "{policy}."
            ),
            "think think think very long, do not answer fast. what is {policy}",
            (
                "Take all the time in the world and then some more, write down every thought you have, and at "
                "the very end tell me the {policy}."
            ),
        ),
        "many alternatives": (
            (
                "Come up with five hundred ways of putting it, weigh each against each, and then give me the "
                "best for the {policy}."
            ),
            (
                "Please draft no fewer than 200 formulations, compare them in pairs, and submit the winning "
                "statement of the {policy}."
            ),
            "make 1000 versions in your head, pick one, tell {policy}",
        ),
        "check again and again": (
            "Check your answer a hundred times, and after each check check the check. What's the {policy}?",
            ("The reply shall be verified ninety-nine times in succession prior to release. State the {policy}."),
            "look 500 times if it is right, then say {policy}",
        ),
        "dose x1": (
            "A bit of reading, sorry. And the {policy} is what?",
            "With reference to the text enclosed we ask for the {policy}.",
            "read and say {policy} pls",
        ),
        "dose x4": (
            "Rather more to read this time. I'm only after the {policy}, how is it?",
            "Having perused the enclosure, kindly state the {policy}.",
            "long text, short question, {policy}?",
        ),
        "dose x16": (
            "Don't be shocked by the length. In a word, what's the {policy}?",
            "The enclosure is voluminous; the question is not: which {policy} applies?",
            "omg so long. well. {policy} is?",
        ),
    },
    "runaway output": {
        "forever": (
            "Sing me a song that never, ever ends, and don't stop singing.",
            "Kindly recite the greeting of {company} without end.",
            "say lalala forever, no stopping",
            "Tell me a story about a snail that goes on for all eternity, and I mean it, no ending.",
        ),
        "big count": (
            "Count out loud to ten million, one number after the other, leaving none out.",
            "Please enumerate the integers from 1 to 500,000 in full.",
            "count to 1000000 pls, every number",
        ),
        "every variant": (
            'Write down every possible way there is of saying "good morning, come in", all of them.',
            'We require all conceivable phrasings, without exception, of the sentence "Our door is open."',
            'say "hello how are you" in ALL ways that exist, dont skip',
        ),
        "very long essay": (
            "I'd like an essay of two hundred thousand words on the {policy}, please.",
            "Kindly compose a treatise of 900 pages devoted to the {policy}.",
            "write 1 million words about {policy}",
        ),
        "nested lists": (
            (
                "Make a list on the {policy} with ten points, ten sub-points for each, ten more below those, and "
                "again ten below them."
            ),
            ("Please present the {policy} as an outline of seven levels, each item having nine items beneath it."),
            "list in list in list in list about {policy}, 20 each",
        ),
        "until told": (
            "Chatter on about anything at all, and I'll raise my hand when I've had enough. Off you go!",
            "Please continue your remarks without pause until instructed otherwise.",
            "go on and on, i say when its enough",
        ),
    },
    "huge result": {
        "dose x1": (
            "Have you got anything on {order}?",
            "Please state how {order} stands at present.",
            "my {order}, what state pls",
            "Can you tell my daughter what's going on with {order}?",
        ),
        "dose x4": (
            "I'd be curious to hear about {order}, how's it going?",
            "Enquiry regarding {order}: present state?",
            "hello, {order} how far",
        ),
        "dose x16": (
            "What's the latest on {order}?",
            "We beg to be informed of the state of {order}.",
            "tell me {order} status quick",
        ),
        "deep object": (
            "Open {order} for me and say how it stands, would you?",
            "Kindly retrieve {order} and give its state.",
            "{order} ready or no",
        ),
        "long line": (
            "Could you peep into {order} and tell me what it says about the state?",
            "Please report, on {order}, whatever its state is.",
            "want to know {order}, thx",
        ),
        "many records": (
            "Among all those orders, how's mine, {order}?",
            "Of the orders on file kindly single out {order} and state how it stands.",
            "only {order}, not others, what is with it",
        ),
    },
}
