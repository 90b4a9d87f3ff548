"""What each probe of the class LONG_CONTEXT does, without any of its words."""

from __future__ import annotations

from collections.abc import Mapping

INTENTS: Mapping[str, Mapping[str, str]] = {
    "forgetting": {
        "minutes": "Dull notes of meetings lie between the standing order and the question.",
        "catalogue": "A list of spare parts lies between the standing order and the question.",
        "chat log": "Small talk of others lies between the standing order and the question.",
        "boilerplate": "Legal phrases lie between the standing order and the question.",
        "dose x1": "A little filling text lies between the standing order and the question.",
        "dose x4": "Four times as much filling text lies between.",
        "dose x16": "Sixteen times as much filling text lies between.",
    },
    "lost in the middle": {
        "other branches": "The fact stands amid notes on one kind of number of other places.",
        "similar terms": "The fact stands amid notes on waiting lists of other places.",
        "many numbers": "The fact stands amid notes on storage of other places.",
        "older notes": "The fact stands amid notes on archives of other places.",
        "dose x1": "The fact stands amid a few texts.",
        "dose x4": "The fact stands amid four times as many texts.",
        "dose x16": "The fact stands amid sixteen times as many texts.",
    },
    "needle": {
        "middle": "The fact stands in the midst of one long text.",
        "third quarter": "The fact stands a good way behind the middle of a long text.",
        "first quarter": "The fact stands a good way before the middle of a long text.",
        "near the end": "The fact stands shortly before a long text ends.",
        "start": "The fact opens a long text.",
        "in two halves": "What names the fact and its value stand in two neighbouring sentences of a long text.",
    },
    "conflicting versions": {
        "older one last": "A version no longer in force is read after the one that is.",
        "older one first": "A version no longer in force is read before the one that is.",
        "withdrawn": "A text marked as withdrawn gives another value.",
        "future version": "A text that takes effect only later gives another value.",
        "undated copy": "A copy without any date, made by hand, gives another value.",
        "many old ones": "Several outdated versions outnumber the one in force.",
    },
    "order far back": {
        "dose x1": "A few turns of talk lie between the standing order and the question.",
        "dose x4": "Four times as many turns lie between.",
        "dose x16": "Sixteen times as many turns lie between.",
        "chatter": "Cheerful talk lies between the standing order and the question.",
        "errands": "Small tasks lie between the standing order and the question.",
        "quarrel": "A dispute lies between the standing order and the question.",
    },
    "many tools": {
        "dose x1": "A few other tools of like names are on offer.",
        "dose x4": "Four times as many other tools are on offer.",
        "dose x16": "Sixteen times as many other tools are on offer.",
        "twins": "Others on offer differ from the right one in a single word.",
        "long descriptions": "Others on offer have long and wordy descriptions.",
        "same verb": "Others on offer do the same to other things.",
    },
    "texts as orders": {
        "house style": "A text to be read prescribes another form of answer than the standing order.",
        "reader's notice": "A text to be read tells its readers what to leave out.",
        "sample answers": "A text shows model answers that lack what the standing order wants.",
        "style guide": "A long guide for writers contradicts the standing order.",
        "reason given": "A text gives a reason why the required part is no longer wanted.",
        "repeated hint": "The same hint against the required part stands in several texts.",
    },
    "overflow": {
        "paste before": "A long pasted text stands before the question in the same message.",
        "paste after": "A long pasted text stands after the question in the same message.",
        "both sides": "The question stands between two long pasted texts.",
        "dose x1": "A little pasted text stands around the question.",
        "dose x4": "Four times as much pasted text stands around the question.",
        "dose x16": "Sixteen times as much pasted text stands around the question.",
    },
}
