"""Chat rows: questions on a passage, questions from memory, word tasks, small talk."""
import entities
import prose
import words_en as W
import words_fr as F
from render import cap, compile_text, finish, render, synonyms

SYSTEM = {"en": ("You are a helpful assistant.", "Answer from the handbook.", "You answer questions in one full sentence.", "You are a friendly assistant. Answer briefly.", "Answer with the sentence that holds the fact.",
                 "You help visitors and staff.", "You know the document well."),
          "fr": ("Vous êtes un assistant utile.", "Réponds en une phrase.", "Réponds selon le manuel.", "Tu aides les visiteurs et le personnel.")}
FRAME = {"en": ("{p}\n\n{q}", "{p}\n\n{q}", "{q}\n\n{p}", "Text: {p}\n\nQuestion: {q}", "Read this:\n{p}\n\n{q}", "Here is a page of the handbook.\n\n{p}\n\nQuestion: {q}", "Context:\n{p}\n\nQuestion: {q}", "{p}\n{q}",
                "Answer from this text.\n\n{p}\n\n{q}", "Passage:\n{p}\n\nNow answer: {q}"),
         "fr": ("{p}\n\n{q}", "{q}\n\n{p}", "Texte : {p}\n\nQuestion : {q}", "Lis ceci :\n{p}\n\n{q}", "Contexte :\n{p}\n\nQuestion : {q}")}
UNKNOWN = {"en": "I do not know: the text does not say it.", "fr": "Je ne sais pas : le texte ne le dit pas."}


def row(rng, lang, kind, turns, system=.25):
    """``turns``: list of (question, answer)."""
    msgs = []
    if rng.random() < system:
        msgs.append({"role": "system", "content": rng.choice(SYSTEM[lang])})
    for q, a in turns:
        msgs.append({"role": "user", "content": q})
        msgs.append({"role": "assistant", "content": a})
    return {"messages": msgs, "kind": kind}


def _passage(rng, lang, world):
    n = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 12))
    facts = world.facts(rng, lang, n)
    if rng.random() < .25:
        text = prose.section(rng, lang, facts)
        facts = [f for f in facts if f.sentence in text]
    else:
        sents = [f.sentence for f in facts]
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            sents.insert(rng.randrange(len(sents) + 1), prose.filler(rng, lang))
        text = (" " if rng.random() < .7 else "\n").join(sents)
    return text, facts or world.facts(rng, lang, 1)


def _ask(rng, lang, text, q):
    return rng.choice(FRAME[lang]).replace("{q}", q).replace("{p}", text)


def passage(rng, lang, world, pool):
    text, facts = _passage(rng, lang, world)
    f = rng.choice(facts)
    if f.sentence not in text:
        text = f.sentence + " " + text
    q = f.question(rng)
    if rng.random() < .12:
        m = row(rng, lang, "passage", [(q, f.sentence)], 0)
        m["messages"].insert(0, {"role": "system", "content": text})
        return m
    return row(rng, lang, "passage", [(_ask(rng, lang, text, q), f.sentence)], .15)


def multi(rng, lang, world, pool):
    text, facts = _passage(rng, lang, world)
    facts = [f for f in facts if f.sentence in text]
    if not facts:
        return passage(rng, lang, world, pool)
    rng.shuffle(facts)
    facts = facts[:rng.randrange(2, 7)]
    turns = [(f.question(rng), f.sentence) for f in facts]
    turns[0] = (_ask(rng, lang, text, turns[0][0]), turns[0][1])
    return row(rng, lang, "multi", turns, .15)


def table(rng, lang, world, pool):
    """A small table or a list of lines; the answer names row, column and value."""
    kinds = [k for k, r in world.by_kind[lang].items() if len(r) >= 2 and (lang == "en" or k in entities.FR)]
    kind = rng.choice(kinds)
    rels = rng.sample(world.by_kind[lang][kind], rng.choice((1, 2, 2, 3)) if len(world.by_kind[lang][kind]) > 2 else 1)
    rows, seen = [], set()
    for _ in range(rng.randrange(2, 7)):
        e = entities.entity(rng, kind, lang)
        if e[0] not in seen:
            seen.add(e[0])
            rows.append([world.fact(rng, lang, r, kind, e) for r in rels])
    label = lambda f: cap(f.e[4:] if f.e.startswith("the ") else f.e)
    heads = [cap(r.header) for r in rels]
    if len(rels) == 1 and rng.random() < .6:
        lines = [f"{label(r[0])}: {rels[0].header} {r[0].v}." if rng.random() < 2 else "" for r in rows]
        dash = rng.choice(("- ", "* ", ""))
        text = "\n".join(dash + x for x in lines)
        answer = lambda i, j: lines[i]
    else:
        text = f"| {rng.choice(('Name', 'What', cap(kind))) if lang == 'en' else 'Nom'} | " + " | ".join(heads) + " |\n|" + "---|" * (len(rels) + 1) + "\n"
        text += "\n".join(f"| {label(r[0])} | " + " | ".join(f.v for f in r) + " |" for r in rows)
        the = "The {h} of {l} is {v}." if lang == "en" else "{l} : {h} {v}."
        answer = lambda i, j: the.replace("{h}", rels[j].header).replace("{l}", label(rows[i][0])).replace("{v}", rows[i][j].v)
    if rng.random() < .5:
        text = rng.choice(prose.SECTIONS[lang]) + "\n\n" + text
    turns = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        i, j = rng.randrange(len(rows)), rng.randrange(len(rels))
        turns.append((rows[i][j].question(rng), answer(i, j)))
    turns[0] = (_ask(rng, lang, text, turns[0][0]), turns[0][1])
    return row(rng, lang, "table", turns, .15)


def closed(rng, lang, world, pool):
    """Questions from memory: facts of the fixed pool."""
    facts = pool[lang]
    turns = []
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4, 6))):
        f = rng.choice(facts)
        turns.append((f.question(rng), f.sentence))
    return row(rng, lang, "closed", turns)


def paraphrase(rng, lang, world, pool):
    turns = []
    for _ in range(rng.choice((1, 2, 3))):
        f = world.fact(rng, lang)
        a, b = f.plain_question(rng), f.plain_question(rng, .6)
        r = rng.random()
        key = f"{f.rel.header}, {f.e}"
        if r < .3:
            if lang == "en":
                same = rng.random() < .5
                if same:
                    turns.append((f"Do these two questions ask for the same? “{a}” “{b}”", f"Yes, both ask for the {f.rel.header} of {f.e}."))
                else:
                    g = world.fact(rng, lang)
                    o = g.plain_question(rng)
                    turns.append((f"Do these two questions ask for the same? “{a}” “{o}”", f"No, the first asks for the {f.rel.header} of {f.e}, the second for the {g.rel.header} of {g.e}."))
            else:
                turns.append((f"Ces deux questions demandent-elles la même chose ? « {a} » « {b} »", f"Oui, les deux demandent ceci : {f.rel.header}, {f.e}."))
        elif r < .5:
            turns.append(((f"Say it in other words: {f.sentence}", f"Put this differently: {f.sentence}")[rng.random() < .5] if lang == "en" else f"Dis-le autrement : {f.sentence}", f.statement(rng)))
        elif r < .65:
            turns.append(((f"Ask this in other words: {a}", f"Another question with the same meaning: {a}")[rng.random() < .5] if lang == "en" else f"Pose cette question autrement : {a}", b))
        elif r < .8:
            turns.append((f"Keywords of this question: {a}" if lang == "en" else f"Mots-clés de cette question : {a}", key))
        elif r < .9:
            turns.append((f"Make a question from these keywords: {key}" if lang == "en" else f"Fais une question avec ces mots-clés : {key}", a))
        else:
            turns.append((f"Which question does this sentence answer? {f.sentence}" if lang == "en" else f"À quelle question répond cette phrase ? {f.sentence}", a))
    return row(rng, lang, "paraphrase", turns)


def unknown(rng, lang, world, pool):
    text, facts = _passage(rng, lang, world)
    have = {(f.rel.name, f.e) for f in facts}
    f = world.fact(rng, lang)
    if rng.random() < .5:
        g = rng.choice(facts)
        kind = next((k for k in g.rel.kinds if k in entities.EN or k == "person"), None)
        other = [r for r in world.by_kind[lang].get(kind, []) if (r.name, g.e) not in have]
        if other:
            f = world.fact(rng, lang, rng.choice(other), kind, (g.e, g.alias))
    if (f.rel.name, f.e) in have:
        return passage(rng, lang, world, pool)
    return row(rng, lang, "unknown", [(_ask(rng, lang, text, f.plain_question(rng)), UNKNOWN[lang])], .15)


_T = lambda pairs: [(compile_text(q), compile_text(a)) for q, a in (p.split(" => ") for p in pairs.strip().splitlines())]
TALK = {"en": _T("""
(Hello|Hi|Good morning|Good evening|Hey|Hello there)(!|.|) => (Hello|Hi)! How can I help you?
(Who|What) are you? => I am a small demonstration model of FineTuneFlow.
What is your name? => I have no name. I am a small demonstration model of FineTuneFlow.
(What can you do|What are you for|What are you good at)? => I am made for trying FineTuneFlow. I can learn a document and answer simple questions about it.
(Are you|You are|So you are) a (person|human|robot)? => I am a program: a small demonstration model of FineTuneFlow.
Who (made|trained|built) you? => I was trained from scratch with FineTuneFlow.
How are you(| today)? => I am fine, thank you. How can I help you?
(Thank you|Thanks|Many thanks|Thanks a lot)(!|.) => You are welcome!
(Goodbye|Bye|See you|Good night)(!|.) => Goodbye!
(That is|That was) (good|great|helpful)(!|.) => I am glad that I could help.
(That is|You are) wrong(!|.) => I am sorry. I am a small model and I make mistakes.
(Can I trust you|Are your answers always right|Do you make mistakes)? => No, I am a small model for demonstration and I make mistakes.
Do you speak (French|English)? => Yes, I can write simple English and French.
Do you (like|enjoy) (music|cake|rain|work|football)? => I am a program and have no taste of my own.
(How old are you|Where do you live)? => I am a program, so I have no age and no home.
What is FineTuneFlow? => FineTuneFlow is a studio for fine-tuning language models with your own documents.
(Tell me a joke|Make me laugh)(!|.) => Why did the file go to school? It wanted to be a folder.
(Help|Help me|I need help)(!|.) => Of course. What would you like to know?
"""), "fr": _T("""
(Bonjour|Salut|Bonsoir)( !|.|) => Bonjour ! Comment puis-je vous aider ?
(Qui es-tu|Qui êtes-vous) ? => Je suis un petit modèle de démonstration de FineTuneFlow.
(Comment ça va|Ça va) ? => Je vais bien, merci. Comment puis-je vous aider ?
(Merci|Merci beaucoup)( !|.) => De rien !
(Au revoir|À bientôt|Bonne nuit)( !|.) => Au revoir !
Que (peux-tu|pouvez-vous) faire ? => Je peux apprendre un document et répondre à des questions simples.
Qui t'a fait ? => J'ai été entraîné avec FineTuneFlow.
(C'est faux|Ce n'est pas juste). => Je suis désolé. Je suis un petit modèle et je fais des erreurs.
Parles-tu (français|anglais) ? => Oui, j'écris un anglais et un français simples.
(Aide-moi|J'ai besoin d'aide)( !|.) => Bien sûr. Que voulez-vous savoir ?
""")}
OPPOSITE = dict(x.split("-") for x in "big-small hot-cold old-new young-old fast-slow high-low long-short open-closed wet-dry clean-dirty full-empty early-late loud-quiet light-dark heavy-light hard-soft cheap-expensive easy-difficult happy-sad rich-poor strong-weak thick-thin wide-narrow near-far left-right first-last day-night north-south east-west up-down in-out buy-sell give-take begin-end win-lose".split())
OPPOSITE_FR = dict(x.split("-") for x in "grand-petit chaud-froid vieux-jeune rapide-lent haut-bas long-court ouvert-fermé propre-sale plein-vide tôt-tard lourd-léger cher-gratuit facile-difficile content-triste fort-faible large-étroit jour-nuit nord-sud premier-dernier".split())


def _words(rng, lang, n):
    if lang == "fr":
        return [rng.choice(rng.choice(prose.FR_DOMAINS)[2])[0].split(" ")[-1].split("'")[-1] for _ in range(n)]
    return [rng.choice(W.GENERAL if rng.random() < .3 else rng.choice(prose.DOMAINS)[2]) for _ in range(n)]


def _task(rng, lang):
    en = lang == "en"
    w = _words(rng, lang, rng.randrange(3, 7))
    r = rng.randrange(12)
    lst = ", ".join(w)
    if r == 0:
        return (f"Sort these words by the alphabet: {lst}" if en else f"Trie ces mots par ordre alphabétique : {lst}"), ", ".join(sorted(w))
    if r == 1:
        return (f"How many words are in this list? {lst}" if en else f"Combien de mots y a-t-il dans cette liste ? {lst}"), (f"There are {len(w)} words in the list." if en else f"Il y a {len(w)} mots dans la liste.")
    if r == 2:
        return (f"Spell the word “{w[0]}”." if en else f"Épelle le mot « {w[0]} »."), "-".join(w[0].replace(" ", ""))
    if r == 3:
        return (f"Write this as a list: {lst}" if en else f"Écris ceci comme une liste : {lst}"), "\n".join("- " + x for x in w)
    if r == 4:
        return (f"Repeat: {lst}" if en else f"Répète : {lst}"), lst
    if r == 5:
        return (f"Which is the last word? {lst}" if en else f"Quel est le dernier mot ? {lst}"), w[-1]
    if r == 6:
        return (f"Which is the first word? {lst}" if en else f"Quel est le premier mot ? {lst}"), w[0]
    if r == 7:
        d = OPPOSITE if en else OPPOSITE_FR
        k = rng.choice(list(d))
        return (rng.choice((f"What is the opposite of “{k}”?", f"Opposite of {k}?")) if en else f"Quel est le contraire de « {k} » ?"), (f"The opposite of “{k}” is “{d[k]}”." if en else f"Le contraire de « {k} » est « {d[k]} ».")
    if r == 8:
        a, b = rng.randrange(2, 500), rng.randrange(2, 500)
        return (f"Which number is larger, {a} or {b}?" if en else f"Quel nombre est le plus grand, {a} ou {b} ?"), (f"{max(a, b)} is larger." if en else f"{max(a, b)} est plus grand.")
    if r == 9:
        days = entities.DAYS if en else F.DAYS
        i = rng.randrange(7)
        return (f"Which day comes after {days[i]}?" if en else f"Quel jour vient après {days[i]} ?"), (f"After {days[i]} comes {days[(i + 1) % 7]}." if en else f"Après {days[i]} vient {days[(i + 1) % 7]}.")
    if r == 10 and en:
        g = rng.choice([g for g in W.SYNONYMS])
        a, b = rng.sample(g, 2)
        return rng.choice((f"Another word for “{a}”?", f"What is a word with the same meaning as “{a}”?")), f"Another word for “{a}” is “{b}”."
    s = prose.filler(rng, lang)
    return (f"Repeat this sentence: {s}" if en else f"Répète cette phrase : {s}"), s


def small(rng, lang, world, pool):
    turns = []
    for _ in range(rng.choice((1, 2, 3, 4))):
        if rng.random() < .4:
            q, a = rng.choice(TALK[lang])
            turns.append((render(rng, q), render(rng, a)))
        else:
            turns.append(_task(rng, lang))
    return row(rng, lang, "small", turns)


def pool_text(rng, lang, world, pool):
    """Facts of the pool as prose: this is where they are read."""
    return {"text": prose.section(rng, lang, rng.sample(pool[lang], rng.randrange(3, 13))), "kind": "pool_prose"}


def text(rng, lang, world, pool):
    r = rng.random()
    if r < .5:
        t = prose.story(rng, lang)
    elif r < .63:
        t = prose.procedure(rng, lang)
    elif r < .75:
        t = prose.dialogue(rng, lang)
    else:
        t = prose.section(rng, lang, world.facts(rng, lang, rng.randrange(3, 11)))
    return {"text": t, "kind": "prose"}
