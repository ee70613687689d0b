"""The words that people, companies and browsers are made of."""

FIRST_NAMES = (
    "Ada", "Amir", "Ana", "Anika", "Arjun", "Beatriz", "Bruno", "Camille", "Carlos", "Chiara",
    "Chloé", "Daniel", "Diego", "Elena", "Elif", "Emma", "Femke", "Fatima", "Gustav", "Hana",
    "Hugo", "Ines", "Ingrid", "Ivan", "Jamal", "Jana", "Joao", "José", "Julia", "Kenji", "Klara",
    "Lars", "Leila", "Linus", "Lucia", "Maja", "Marek", "Maria", "Mateo", "Mei", "Milan", "Nadia",
    "Nina", "Noah", "Olga", "Omar", "Paula", "Petra", "Priya", "Rafael", "Rosa", "Samira", "Sofia",
    "Stefan", "Tariq", "Thomas", "Uma", "Vera", "Viktor", "Wei", "Yara", "Yusuf", "Zoë", "Zuzana",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Andersson", "Bauer", "Becker", "Bianchi", "Bogdan", "Brandt", "Castro", "Chen",
    "Costa", "Dahl", "Demir", "Duarte", "Eriksen", "Farkas", "Fischer", "Fontana", "Garcia",
    "Haas", "Hansen", "Hoffmann", "Horvat", "Ibrahim", "Jansen", "Kaya", "Keller", "Kim", "Kovač",
    "Krüger", "Larsen", "Lindqvist", "Lopez", "Marino", "Mensah", "Meyer", "Moreau", "Mori",
    "Nagy", "Nakamura", "Novak", "Nowak", "O'Brien", "Okafor", "Olsen", "Park", "Patel", "Pereira",
    "Petrov", "Popescu", "Rao", "Ricci", "Rossi", "Sato", "Schmidt", "Silva", "Singh", "Sokolov",
    "Suzuki", "Tanaka", "Vargas", "Virtanen", "Weber", "Yilmaz", "Zhang",
)  # fmt: skip
COMPANY_HEADS = (
    "Alder", "Amber", "Basalt", "Birch", "Cedar", "Cobalt", "Copper", "Coral", "Delta", "Ember",
    "Falcon", "Fjord", "Granite", "Harbor", "Heron", "Indigo", "Juniper", "Kestrel", "Lumen",
    "Maple", "Meadow", "Nimbus", "Onyx", "Orchid", "Pebble", "Quartz", "Raven", "Saffron", "Sierra",
    "Summit", "Tidal", "Umber", "Vertex", "Willow", "Zephyr",
)  # fmt: skip
COMPANY_TAILS = (
    "Analytics", "Bank", "Biotech", "Foods", "Freight", "Health", "Labs", "Legal", "Media",
    "Motors", "Robotics", "Software", "Textiles",
)  # fmt: skip
TITLES = (
    "Head of Operations", "Finance Director", "IT Manager", "Chief of Staff", "VP Sales",
    "Procurement Lead", "Plant Manager", "Data Engineer", "Founder", "Marketing Manager",
)  # fmt: skip

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Edg/141.0.0.0",
)
PHONE = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1"
)
DESKTOP_MAIL = (
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0",
    *BROWSERS[:3],
)
GMAIL_PROXY = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
)
YAHOO_PROXY = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
PRIVACY_PROXY = "Mozilla/5.0"
SCANNERS = (
    "Mozilla/5.0 (compatible; Barracuda Sentinel/2.0)",
    "Mozilla/5.0 (compatible; proofpoint-urldefense)",
    "Mimecast/TTP 1.4",
    "CiscoSecureEmail/15.5",
    "python-requests/2.32.3",
)
