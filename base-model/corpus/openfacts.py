"""Facts with free wording: who does what, where, when, how and why.

They look like a :class:`render.Fact`, but their words come from the word lists
of all domains, so that questions are tied to sentences by any content word.
"""
import re

import entities
import prose
import words_en as W
from render import COMPLETE, WRAP, cap, compile_text, finish, render, synonyms

# statements (wordings of one fact) = questions; the slots keep their values
PATTERNS = [(list(map(compile_text, s.split(" / "))), list(map(compile_text, q.split(" / ")))) for s, q in (line.split(" = ") for line in """
{who} {past} the {adj} {thing} in the {place} / In the {place}, {who} {past} the {adj} {thing} = Who {past} the (|{adj} ){thing}? / What did {who} {base}? / What did {who} {base} in the {place}? / Where did {who} {base} the {thing}? / What happened (in the {place}|to the (|{adj} ){thing})? / In which place did {who} {base} the {thing}? / Who was in the {place}? / What did {who} do with the {thing}? / What is known about the {adj} {thing}?
The {role} {thirds} the {thing} {when} / {when_cap}, the {role} {thirds} the {thing} = When does the {role} {base} the {thing}? / Who {thirds} the {thing}? / What does the {role} {base} {when}? / What does the {role} do {when}? / How often does the {role} {base} the {thing}? / At what time does somebody {base} the {thing}? / Whose task is the {thing}? / When (is something done with|do we see to) the {thing}?
{plroles} must {base} the {thing} before they {base2} the {thing2} / Before they {base2} the {thing2}, {plroles} must {base} the {thing} = What must {plroles} do before they {base2} the {thing2}? / When must {plroles} {base} the {thing}? / Who must {base} the {thing}? / What comes before the {thing2}? / What must {plroles} {base}? / I am (one of the {plroles}): what do I have to do first? / What has to happen before somebody may {base2} the {thing2}? / What is the rule for {plroles}?
{plroles} leave the {thing} {where} / The {thing} of the {plroles} is left {where} = Where do {plroles} leave the {thing}? / Where does the {thing} (stay|go|belong)? / What do {plroles} do with the {thing}? / What is left {where}? / Who leaves the {thing} {where}? / Where should I put the {thing}? / Where can I leave the {thing}?
The {thing} in the {place} belongs to {person} / {person} owns the {thing} in the {place} = Whose {thing} is in the {place}? / To whom does the {thing} (belong|in the {place} belong)? / What belongs to {person}? / Who owns the {thing}? / Who is the owner of the {thing} in the {place}? / What does {person} have in the {place}? / Who has the {thing}?
Please {base} the {thing} with {tool}, not with {tool2} / The {thing} is to be handled with {tool}, never with {tool2} = With what do I {base} the {thing}? / How do I {base} the {thing}? / What should I take to {base} the {thing}? / What do I use for the {thing}? / Which tool is right for the {thing}? / May I {base} the {thing} with {tool2}? / Why should {tool2} stay in the box? / What must I not use for the {thing}?
If the {thing} is {adj}, {step} / {step_cap} when the {thing} is {adj} = What do I do if the {thing} is {adj}? / The {thing} is {adj}: what (now|next|must I do)? / What helps with {a_adj} {thing}? / What should happen when the {thing} is {adj}? / I have {a_adj} {thing}, what shall I do? / How do we deal with {a_adj} {thing}? / Is there a rule for {a_adj} {thing}?
{plroles} may not {base} the {thing} {reason} / {reason_cap}, {plroles} may not {base} the {thing} = Why may {plroles} not {base} the {thing}? / May {plroles} {base} the {thing}? / What may {plroles} not do? / Who may not {base} the {thing}? / Can a {role} {base} the {thing}? / What is forbidden for {plroles}? / For what reason is it forbidden to {base} the {thing}?
There are {num} {things} in the {place} / The {place} has {num} {things} = How many {things} are (there|in the {place})? / What is in the {place}? / How many {things} does the {place} have? / Where are the {things}? / What can I find in the {place}? / In which place do I find {num} {things}? / What is the number of {things}?
It takes {dur} to {base} the {thing} in the {place} / To {base} the {thing} in the {place}, reckon with {dur} = How long does it take to {base} the {thing}? / How much time do I need to {base} the {thing}? / What takes {dur}? / What time is needed in the {place} to {base} the {thing}? / Is it quick to {base} the {thing}? / How long do I wait for the {thing}?
The {place} was {built} by {person} in {year} / In {year} {person} {built} the {place} = Who {built} the {place}? / When was the {place} {built}? / What did {person} do in {year}? / In which year did {person} work on the {place}? / Since when is there the {place}? / What do we owe to {person}? / How old is the {place}?
Every {role} gets {a_adj} {thing} and {a_thing} on the first day / On the first day, every {role} gets {a_adj} {thing} and {a_thing} = What does every {role} get? / What do {plroles} get on the first day? / When does {a_role} get the {thing}? / Who gets {a_adj} {thing}? / I am a new {role}, what will I get? / What is handed out to {plroles}?
{num} {plroles} and {num2} {plroles2} work in the {place} / In the {place} there are {num} {plroles} and {num2} {plroles2} = How many {plroles} work in the {place}? / How many {plroles2} are there? / Who works in the {place}? / How many people of which job are in the {place}? / Where do the {plroles} work? / What staff does the {place} have?
The {adj} {thing} is kept {where}, the {adj2} one in the {place} / You find the {adj} {thing} {where} and the {adj2} one in the {place} = Where is the {adj} {thing}? / Where is the {adj2} {thing}? / Where do we keep the {thing}? / Which {thing} is in the {place}? / What is kept {where}? / In which place can I find {a_adj} {thing}? / Where do I look for {a_adj} {thing}?
{a_adj} {thing} costs {money}, {a_adj2} one {money2} / For {a_adj} {thing} we ask {money}, for {a_adj2} one {money2} = What does {a_adj} {thing} cost? / How much is {a_adj2} {thing}? / What do I pay for {a_thing}? / How expensive are the {things}? / What is the price of {a_adj} {thing}? / How much money do I need for {a_thing}? / Is {a_adj} {thing} cheaper than {a_adj2} one?
{plroles} pay {money} for the {thing}, {plroles2} pay nothing / The {thing} is free for {plroles2}, but {plroles} pay {money} = How much do {plroles} pay for the {thing}? / Who gets the {thing} for free? / What does the {thing} cost? / Do {plroles2} have to pay for the {thing}? / What must {plroles} pay? / For whom is the {thing} free? / Is there a charge for the {thing}?
{person}, the {role} of the {place}, {past} {num} {things} last year / Last year {person}, the {role} of the {place}, {past} {num} {things} = Who is the {role} of the {place}? / How many {things} did {person} {base}? / What did {person} do last year? / Who {past} {num} {things}? / What is the job of {person}? / How many {things} were {past} last year?
""".strip().splitlines())]
_SLOT = re.compile(r"\{(\w+)\}")


class _Rel:
    name, header, lang, kinds = "open", "fact", "en", []


class OpenFact:
    __slots__ = ("rel", "e", "alias", "v", "sentence", "cloze", "slots", "pattern")

    def __init__(self, rng):
        c = rng.choice
        self.pattern = c(PATTERNS)
        roles, places, things, verbs, adjs = dom = c(prose.DOMAINS)
        verb, verb2, thing, adj, role, role2, adj2 = c(verbs), c(verbs), c(things), c(adjs), c(roles), c(roles), c(adjs)
        val = lambda k: entities.VALUES[k](rng, "en")
        name = entities.person(rng, "en")
        when, step, reason = c((val("frequency"), "at " + val("time"), "on " + val("weekday"))), val("step"), val("reason")
        self.slots = {
            "who": c((name, name, "the " + role, f"the {role} from {entities.town(rng, 'en')}")), "base": verb[0], "past": verb[1], "thirds": prose.third(verb[0]), "base2": verb2[0],
            "thing": thing, "things": prose.plural(thing), "thing2": c(things), "a_thing": prose.article(thing), "adj": adj, "adj2": adj2, "a_adj": prose.article(adj), "a_adj2": prose.article(adj2),
            "place": c(places), "role": role, "a_role": prose.article(role), "plroles": prose.plural(role), "plroles2": prose.plural(role2), "when": when, "when_cap": cap(when), "where": val("location"),
            "person": name, "tool": val("tool"), "tool2": val("tool"), "step": step, "step_cap": cap(step), "reason": reason, "reason_cap": cap(reason), "num": str(rng.randrange(2, 99)),
            "num2": str(rng.randrange(2, 99)), "dur": val("duration"), "built": c(("painted", "opened", "planned", "repaired", "founded", "designed", "renovated")), "year": val("year"),
            "money": val("money"), "money2": val("money")}
        self.rel, self.alias, self.v = _Rel, [], ""
        self.sentence = self.statement(rng)
        self.e = self.sentence  # unique key
        words = self.sentence.rstrip(".").split(" ")
        k = rng.randrange(1, min(4, len(words)))
        self.cloze = " ".join(words[:-k]) + " ___."

    def _fill(self, rng, parts):
        return cap(_SLOT.sub(lambda m: self.slots[m.group(1)], render(rng, parts)))

    def key(self):
        return "open", self.slots["thing"]

    def statement(self, rng):
        return finish(self._fill(rng, rng.choice(self.pattern[0])) + ".", "en")

    def plain_question(self, rng, syn=.35):
        q = self._fill(rng, rng.choice(self.pattern[1]))
        return cap(synonyms(rng, q, syn)) if rng.random() < .6 else q

    def question(self, rng, syn=.35):
        r = rng.random()
        if r < .06:
            return f"{rng.choice(COMPLETE['en'])} {self.cloze}"
        q = self.plain_question(rng, syn)
        if r < .14:
            return rng.choice(("What does the handbook say about {k}?", "What is written about {k}?", "Tell me about {k}.", "What do you know about {k}?", "{k}?", "What about {k}?")).replace(
                "{k}", "the " + self.slots["thing"] if "{thing}" in str(self.pattern[0]) else "the " + self.slots["place"])
        if r < .3:
            w = rng.choice(WRAP["en"])
            inner = q if w.startswith("^") or q[:2] in ("I ", "Mr", "Ms", "Dr") else q[0].lower() + q[1:]
            return w.lstrip("^").replace("{q}", inner)
        if r < .35:
            return q.rstrip("?").lower()
        return q
