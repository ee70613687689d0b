"""What people write in answers, absence notes and mail of their own."""

#: (text, the platform's class for it); the platform leaves some replies unlabelled.
REPLIES = (
    ("Happy to talk. Does Thursday at 10:00 work for you?", "Willing to meet"),
    ("Sounds relevant. Could you send the numbers for a team of forty?", "Needs more info"),
    ("I am not the right person; please write to our planning lead.", "Referral"),
    ("Not this quarter, we are in the middle of a migration.", "Bad Timing"),
    ("We signed with somebody else in the spring.", "Has solution"),
    ("Thanks, noted.", "Neutral"),
    ("From what I can see this is not for us.\nFrom now on please leave it at that.", "Negative"),
    ("Please take me off this list.", "Opt out"),
    ("I changed teams; my colleague took over the topic.", "Updated contact info"),
    (
        "Interesting — what does \u201ctwo weeks\u201d include?\n>From the page I could not tell.",
        "",
    ),
)
MORE_FROM_THEM = "Perfect, thank you. Let us do it that way."
ANSWERS = (
    "Great to hear from you. I will send an invite in a minute.",
    "Thanks for the quick answer. Here is what you asked for.",
)
MANUAL_MAIL = (
    ("Notes from the trade fair", "Good to meet you at the fair. As promised, my notes."),
    ("Your parking permit for Tuesday", "The front desk has your permit ready."),
)
OWN_MATTERS = (
    ("Invoice 2026-118", "Attached is the corrected invoice, as discussed by phone."),
    ("Webinar next month", "Do you still look for speakers? I could do the one on planning."),
    ("Quick introduction", "A colleague told me about you. Could you call me this week?"),
)
STRANGERS = (
    ("Partnership idea", "We make chairs for offices and would love to be your supplier."),
    ("Your talk on planning", "I liked your talk. Are the slides public?"),
    ("Job application", "Please find my application below."),
)
NEWSLETTERS = (
    ("This week in logistics", "Five stories that moved the industry."),
    ("Planner's digest", "The three articles that our readers liked most."),
)
#: Subjects of absence notes; the answered subject follows.
AWAY_SUBJECTS = (
    "Automatic reply: ",
    "Out of office: ",
    "Abwesenheitsnotiz: ",
    "Automatische Antwort: ",
    "Réponse automatique : ",
    "Respuesta automática: ",
    "Risposta automatica: ",
    "Resposta automática: ",
    "Automatisch antwoord: ",
    "Autosvar: ",
    "Autoodpowiedź: ",
    "自動応答: ",
    "自动回复: ",
    "Автоответ: ",
    "Otomatik yan\u0131t: ",
)
AWAY_TEXTS = (
    "I am out of the office and will read my mail when I am back. For urgent matters call us.",
    "Ich bin zurzeit nicht im Büro und antworte nach meiner Rückkehr.",
    "Je suis absent du bureau et vous répondrai à mon retour.",
    "Estoy fuera de la oficina; responderé a mi regreso.",
)
