"""The first sample handbook: an invented museum. Own text.

``BLOCKS``: ("h", heading), ("p", paragraph), ("ul", [items]), ("table", header, rows).
``QUESTIONS``: (question, [strings, one of which the answer must hold], a piece of the text that says so).
"""

FOLDER = "handbook-1"
TITLE = "Tidewater Museum"
SUBTITLE = "Handbook for visitors and staff"

BLOCKS = [
    ("h", "1. About the museum"),
    ("p", "The Tidewater Museum stands on the old timber quay of Marlow Bay. It was founded in 1911 by the shipowner Agnes Holloway, who left her house, her paintings and eleven rowing boats to the town. "
          "Before it became a museum, the main building was a loft where sails were sewn. About 96,000 people came through the doors last year. "
          "The director of the museum is Ingrid Solberg. The museum belongs to the town, but half of its money comes from the Friends of the Tidewater, a society with 1,850 members."),
    ("p", "This handbook is for everybody who visits the house or works in it. A new edition appears every spring. If you find a mistake in it, please write a note and leave it at the information desk."),
    ("h", "2. Opening hours"),
    ("p", "The museum opens at ten in the morning from Tuesday to Sunday. On Thursdays the galleries stay open until nine in the evening. On all other days they close at half past five. "
          "The museum is closed on Mondays. The last visitors are let in 45 minutes before closing time. Between 24 December and 6 January the whole house is shut. "
          "The library can be used on Wednesdays, but only by appointment."),
    ("h", "3. Tickets and prices"),
    ("p", "Tickets are sold at the cash desk in the foyer and on the website. The table shows what they cost."),
    ("table", ["Ticket", "Price", "Remarks"], [
        ["Adult ticket", "14 euros", "valid all day"],
        ["Child ticket", "5 euros", "from 6 to 15 years"],
        ["Family ticket", "31 euros", "two adults, up to four children"],
        ["Evening ticket", "8 euros", "Thursdays after six"],
        ["Annual pass", "48 euros", "valid for twelve months"],
        ["School class", "2 euros per pupil", "two teachers free"],
    ]),
    ("p", "Children under six come in free. Groups of ten people or more pay 11 euros per head. A carer who comes with a disabled visitor pays nothing. Tickets bought on the website are one euro cheaper. "
          "A lost annual pass is replaced for 7 euros. The cash desk takes bank cards and cash, but no cheques. A ticket can be moved to another day once, but the money is not paid back."),
    ("h", "4. How to get here"),
    ("p", "Tram 6 stops right in front of the main door; the stop is called Timber Quay. The walk from the railway station takes 18 minutes. The car park behind the rope factory has 120 spaces. "
          "Parking costs 2 euros per hour. Holders of an annual pass park without paying. Coaches set down their groups at the fish market. There are racks for 60 bicycles next to the steam crane."),
    ("p", "Visitors in wheelchairs use the ramp on the east side of the building. Four wheelchairs can be borrowed at the cloakroom. The lift carries up to 13 people and stops on every floor. "
          "Prams may be taken into all galleries except the submarine."),
    ("h", "5. The galleries"),
    ("p", "There are five galleries on three floors. The Boat Hall is on the ground floor. Its largest exhibit is the lifeboat Constance, which is 11.5 metres long. The crew of the Constance saved 203 people between 1924 and 1961. "
          "The figurehead called the Green Lady was carved from elm by Josef Brandt. In the Wreck Gallery on the first floor hangs the bronze bell of the steamer Orion, which sank in 1888."),
    ("p", "The Map Room is kept at 18 degrees, winter and summer. Flash is forbidden in the Map Room because strong light fades the ink. The oldest map in the collection was drawn in 1574. "
          "The great lamp of the old lighthouse is on the second floor. It weighs 900 kilograms and is lit every day at three in the afternoon."),
    ("p", "The submarine simulator takes six people at a time. One dive lasts 12 minutes. Children must be at least 1.20 metres tall to go aboard. Whoever wants to use a tripod needs written permission from the press office."),
    ("h", "6. Tours and events"),
    ("p", "Guided tours in English start at eleven and at two o'clock. A tour lasts 75 minutes and costs 4 euros on top of the ticket. No more than 20 people can join a tour. "
          "The audio guide speaks nine languages. As a deposit for the audio guide, visitors leave an identity card. The lantern tour takes place on the first Friday of every month."),
    ("p", "Children learn to tie knots on Saturdays at half past ten. The knot class costs 6 euros, and the rope may be taken home. Birthday parties must be booked three weeks ahead. "
          "The harbour festival is held on the second weekend of August. Lectures are given in the Captain's Room, which has 85 seats."),
    ("h", "7. Café and shop"),
    ("p", "The café on the roof terrace is called The Galley. It is run by Lucia Moretti. The Galley opens half an hour before the museum. A bowl of fish soup costs 9.50 euros there. "
          "Staff pay 30 percent less for food in the café. Sandwiches brought from home may only be eaten in the picnic room beside the cloakroom."),
    ("p", "Members of the Friends get a discount of 10 percent in the shop. The thing that sells best in the shop is a brass whistle. Goods can be exchanged within 21 days if the receipt is shown."),
    ("h", "8. Rules of the house"),
    ("ul", [
        "Bags larger than 40 centimetres must be left in a locker.",
        "The lockers work with a one-euro coin, which comes back at the end.",
        "Dogs are not allowed in the galleries, with the exception of guide dogs.",
        "Children under ten need an adult at their side.",
        "Telephone calls are allowed in the foyer only.",
        "Lost things are kept at the information desk for six weeks.",
        "After that they go to the police station in Mill Street.",
    ]),
    ("h", "9. Working here"),
    ("p", "The working week of full-time staff has 38.5 hours. The early shift begins at 8:15. The late shift begins at 12:45. Everybody has a break of 40 minutes. Each member of staff has 28 days of leave per year. "
          "Leave must be requested four weeks in advance. Henrik Dahl in the personnel office decides on leave. The personnel office is in room 214."),
    ("p", "If you are ill, call the duty manager before eight in the morning. A note from a doctor is needed from the third day of illness. Wages are paid on the 25th of each month. "
          "The trial period for new staff lasts six months. Every attendant receives two navy jackets. The jackets are renewed every two years. A lost name badge costs 12 euros. Overtime must be taken as free time within two months."),
    ("h", "10. Safety"),
    ("p", "The fire alarm is a rising siren. When it sounds, everybody gathers at the red buoy on the quay. The fire extinguishers are inspected every March. A fire drill is held twice a year. "
          "First aiders wear a green armband. The defibrillator hangs beside the lift on the ground floor. The fire warden for the second floor is Samira Haddad. "
          "When the wind blows faster than 90 kilometres per hour, the roof terrace is closed."),
    ("h", "11. Looking after the collection"),
    ("p", "Objects may only be touched with nitrile gloves. The conservator is Dr Pilar Ortega. The store in Kiln Lane holds 17,400 objects. Silver is polished once a year, in November. "
          "The insect traps are read every 14 days. The committee that decides on gifts meets every six weeks. Loans to other museums last nine months at most. A photocopy in the library costs 20 cents per page."),
    ("h", "12. Telephone numbers inside the house"),
    ("ul", [
        "The extension of the information desk is 100.",
        "The extension of the cloakroom is 118.",
        "The extension of the education team is 132.",
        "The extension of the press office is 147.",
        "The extension of the workshop is 160.",
        "The extension of the security room is 199.",
        "The extension of the duty manager is 555.",
    ]),
]

QUESTIONS = [
    ("Who started the museum?", ["Agnes Holloway"], "founded in 1911"),
    ("In which year did the museum come into being?", ["1911"], "founded in 1911"),
    ("What was the main house used for in earlier times?", ["sail"], "loft where sails"),
    ("What is the name of the woman at the head of the museum?", ["Ingrid Solberg"], "Ingrid Solberg"),
    ("How many people belong to the Friends of the Tidewater?", ["1,850"], "1,850 members"),
    ("From what time can I get into the museum in the morning?", ["ten in the morning"], "opens at ten"),
    ("How late can I stay in the galleries on a Thursday?", ["nine in the evening"], "until nine in the evening"),
    ("On which day of the week can I not visit?", ["Monday"], "closed on Mondays"),
    ("How long before the end of the day do you let the last people in?", ["45 minutes"], "45 minutes"),
    ("What do grown-ups have to pay to get in?", ["14 euros"], "Adult ticket"),
    ("How expensive is the ticket for a family?", ["31 euros"], "Family ticket"),
    ("What does a pass for the whole year cost?", ["48 euros"], "Annual pass"),
    ("My annual pass is gone. What will a new one cost me?", ["7 euros"], "lost annual pass"),
    ("How much does each person in a large group pay?", ["11 euros"], "Groups of ten"),
    ("Until what age do little ones get in without paying?", ["under six"], "Children under six"),
    ("Which tram goes to the museum?", ["Tram 6"], "Tram 6"),
    ("How long do I have to walk from the trains?", ["18 minutes"], "18 minutes"),
    ("How many cars fit into the car park?", ["120"], "120 spaces"),
    ("What do I pay for an hour of parking?", ["2 euros"], "2 euros per hour"),
    ("Where can coaches let their passengers out?", ["fish market"], "fish market"),
    ("On which side of the building is the ramp for wheelchairs?", ["east"], "east side"),
    ("How many persons can ride in the lift together?", ["13"], "13 people"),
    ("What is the length of the lifeboat Constance?", ["11.5"], "11.5 metres"),
    ("Which artist made the Green Lady?", ["Josef Brandt"], "Josef Brandt"),
    ("In what year was the Orion lost?", ["1888"], "sank in 1888"),
    ("What temperature do you keep in the Map Room?", ["18 degrees"], "18 degrees"),
    ("Why can't I use a flash for the maps?", ["fades the ink"], "fades the ink"),
    ("How heavy is the lighthouse lamp?", ["900"], "900 kilograms"),
    ("How tall does my child have to be for the submarine?", ["1.20"], "1.20 metres"),
    ("How long is one ride in the submarine?", ["12 minutes"], "12 minutes"),
    ("How much time does a guided tour take?", ["75 minutes"], "75 minutes"),
    ("How many languages can I choose on the audio guide?", ["nine"], "nine languages"),
    ("When can I walk through the house by lantern?", ["first Friday"], "first Friday"),
    ("How early do I need to reserve a birthday party?", ["three weeks"], "three weeks ahead"),
    ("When in summer is the festival at the harbour?", ["August"], "second weekend of August"),
    ("What is the price of the fish soup?", ["9.50"], "9.50 euros"),
    ("Who is in charge of the café?", ["Lucia Moretti"], "Lucia Moretti"),
    ("Until when can I bring back something I bought in the shop?", ["21 days"], "21 days"),
    ("From what size on does my bag have to go into a locker?", ["40 centimetres"], "40 centimetres"),
    ("How long do you store things that somebody has left behind?", ["six weeks"], "for six weeks"),
    ("How many hours a week do full-time employees work?", ["38.5"], "38.5 hours"),
    ("At what time do people on the early shift start?", ["8:15"], "8:15"),
    ("How many days of holiday do employees get?", ["28"], "28 days"),
    ("Whom do I ask when I want to go on leave?", ["Henrik Dahl"], "Henrik Dahl"),
    ("On what day does my pay arrive?", ["25th"], "25th of each month"),
    ("From which day of being sick do I have to bring a doctor's note?", ["third"], "third day of illness"),
    ("Where do we meet when the fire alarm goes off?", ["red buoy"], "red buoy"),
    ("How can I recognise a first aider?", ["green armband"], "green armband"),
    ("At what wind speed do you shut the roof terrace?", ["90"], "90 kilometres"),
    ("How often do you look at the insect traps?", ["14 days"], "14 days"),
    ("Which number do I dial for the cloakroom?", ["118"], "cloakroom is 118"),
    ("How can I reach the press office by phone?", ["147"], "press office is 147"),
]
