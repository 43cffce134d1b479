"""The third sample handbook: an invented lakeside campsite. Own text.

Written without sight of the other handbooks' text, the base model or the program; shape as in ``handbook_2.py``.
"""

FOLDER = "handbook-3"
TITLE = "Larkwater Campsite"
SUBTITLE = "A handbook for guests and staff"

BLOCKS = [
    ("h", "1. About the campsite"),
    ("p", "Larkwater is a campsite on the eastern shore of Lake Orvel. The Hadley family founded it in 1974 on an old apple orchard. "
          "Since 2012 it has belonged to a cooperative with 61 members. The site has 140 pitches and nine wooden cabins. Our season runs from 12 April to 5 October. "
          "In winter only the caretaker, Anselm Brodie, lives on the grounds. The nearest village is Pennick, two kilometres up the road."),
    ("p", "This handbook is for our guests and for everyone who works here. The manager, Rosalind Teague, brings it up to date every March."),
    ("h", "2. Arriving and leaving"),
    ("p", "Reception is open from eight in the morning until half past eight in the evening. It closes for lunch between 12:30 and 2 pm. Guests can move onto their pitch from three o'clock. "
          "The cabins are ready at five, because they have to be cleaned first. On the day of departure, pitches must be empty by eleven. "
          "Anyone who arrives when reception is shut spends the first night in the late field beside the gate."),
    ("p", "At check-in every group gets a green tag, which must hang on the tent or vehicle where it can be seen. A down payment of 30 percent is due when a place is booked. "
          "Bookings can be cancelled free of charge up to 14 days before arrival. You can pay in cash or by card, but we do not accept cheques. "
          "Bus 47 stops in front of the gate every two hours."),
    ("h", "3. Places and prices"),
    ("p", "The prices below are per night and cover two adults."),
    ("table", ["Place", "Price per night", "Where it lies"], [
        ["Hammock", "9 euros", "Pine grove"],
        ["Small tent", "14 euros", "Orchard meadow"],
        ["Large tent", "19 euros", "Birch meadow"],
        ["Caravan", "27 euros", "Upper terrace"],
        ["Motorhome", "31 euros", "Gravel yard"],
        ["Cabin", "68 euros", "Edge of the wood"],
    ]),
    ("p", "Each further adult pays 7 euros a night. Children under six stay for nothing. In May and September all prices are 15 percent lower. "
          "Members of the cooperative pay half. The visitor tax of 1.80 euros per adult and night comes on top. A cabin sleeps up to five people. "
          "Bed linen can be rented for 6.50 euros a set. The final cleaning of a cabin costs 35 euros."),
    ("h", "4. Cars and quiet hours"),
    ("p", "Night rest lasts from half past ten in the evening until seven in the morning. During night rest the barrier stays down and no car may drive in or out. "
          "The code for the barrier changes every Friday. Vehicles may go no faster than 10 kilometres an hour on the site. Each pitch has room for one car. "
          "A second car has to be left at the old sawmill, where parking costs 4 euros a day. Please do not wash cars here, because the dirty water would run into the lake. "
          "Electric cars can be charged at the two posts behind reception. Loudspeakers are not allowed on the beach, since they disturb the nesting grebes."),
    ("h", "5. Washing and water"),
    ("p", "There are two wash houses: the lower one stands by the birch meadow and the upper one on the terrace. A hot shower costs 50 cents for five minutes. "
          "The tokens for the showers come from the machine next to the reception door. Both wash houses are cleaned at half past nine and again at four. "
          "A shower without steps for wheelchair users is in the lower wash house. One load in the washing machine costs 4.50 euros, and the dryer costs 3 euros. "
          "The key to the family bathroom is handed out against a deposit of 20 euros. Chemical toilets may be emptied only at the grey hatch behind the upper wash house. "
          "Drinking water comes from the taps that are painted blue."),
    ("h", "6. Electricity, gas and fire"),
    ("p", "Electricity costs 55 cents per kilowatt-hour, and we read the meter when you leave. Each socket gives 10 amperes, so a heater and a kettle should not run together. "
          "Unroll a cable drum completely, because a coiled cable can overheat. Gas bottles are exchanged on Mondays and Thursdays at the tool shed. "
          "The gas system of a caravan must have been tested within the last two years."),
    ("p", "Campfires are allowed only in the seven stone rings on the beach. A sack of firewood costs 8 euros. Barbecues must stand at least three metres away from any tent. "
          "When the forest warning reaches level four, all open fires are forbidden. Cold ash goes into the iron bin near the jetty."),
    ("h", "7. On the lake"),
    ("p", "The swimming area is marked with yellow buoys. At its deepest point the lake measures 38 metres. A lifeguard is on duty from 15 June to 31 August. "
          "A red flag means that nobody may go into the water. The water temperature is written on the slate at the boathouse each morning. "
          "The reeds on the north bank are a bird reserve and must not be entered."),
    ("p", "A canoe can be hired for 12 euros an hour and a pedal boat for 16 euros. All boats must be back on their racks by seven in the evening. "
          "Children under twelve must wear a life jacket in every boat. Motor boats are banned, because the town of Stannard gets its drinking water from the lake. "
          "Anglers need a day permit, which reception sells for 11 euros."),
    ("h", "8. Shop and cafe"),
    ("p", "The shop opens at half past seven and gets its bread from the Kessler bakery. Fresh rolls must be ordered by six o'clock on the evening before. "
          "Cool packs can be frozen in the shop for one euro each. Our cafe is called The Kingfisher and has forty seats on its terrace. Warm meals are served from noon until nine. "
          "The cafe stays closed on Wednesdays. On Saturdays there is pizza from the wood oven. Guests who bring their own cup get 30 cents off a coffee."),
    ("h", "9. Dogs and other animals"),
    ("ul", [
        "A dog costs 5 euros a night, and no more than two dogs may stay on a pitch.",
        "Dogs are kept on a lead everywhere on the site.",
        "Dogs may swim only in the small cove behind the boathouse.",
        "Dogs are not allowed in the cabins, because some guests have allergies.",
        "Food must be locked away at night, since raccoons come looking for it.",
    ]),
    ("h", "10. Children and events"),
    ("p", "The children's club meets in the round tent at ten on weekdays during the school holidays. It is led by Imogen Farrow and is meant for children aged five to eleven. "
          "Taking part costs 3 euros, and all craft materials are included. On Fridays we show a film in the barn. Every Tuesday at dusk the ranger, Piet Molander, leads a walk to watch the bats. "
          "Table tennis bats can be borrowed at reception. A bicycle can be hired for 13 euros a day. The summer party takes place on the last Saturday in July."),
    ("h", "11. For the staff"),
    ("p", "In high season we are a team of 23. The early shift begins at 6:45, and the late shift ends at 10 pm. Everyone on duty wears a dark green shirt and a name badge. "
          "The rota is put up three weeks ahead on the door of the tool shed. Requests for holidays must be handed in by 1 February. "
          "New colleagues work alongside a mentor for their first ten days. The radios are set to channel 6. Tips go into one jar and are shared equally at the end of the month."),
    ("p", "The early shift starts with these tasks:"),
    ("ul", [
        "Raise the barrier at seven and bring in the newspapers.",
        "Empty the bins on the beach before the gulls get at them.",
        "Rake the sand of the playground and look for broken glass.",
        "Note the level of the fresh water tank, which holds 9,000 litres.",
    ]),
    ("p", "Lost property is kept for eight weeks in the wooden chest in the office. After that it goes to the charity shop in Pennick. "
          "Report a lost key at once, because a new lock costs 240 euros."),
    ("h", "12. Emergencies and contacts"),
    ("p", "The emergency telephone hangs on the wall of the boathouse. The defibrillator is in the entrance of the lower wash house. First-aid boxes are kept at reception and in the cafe kitchen. "
          "Three long blasts of the siren mean that everybody must leave the site. The assembly point is the football field. "
          "In a thunderstorm, guests should take shelter in the barn and keep away from the trees. The nearest doctor is Yusuf Adair in Pennick. "
          "The hospital in Stannard is 25 minutes away by car. Reception can be called on 0555 318 204. Complaints are put in the white letter box and answered within five days."),
]

QUESTIONS = [
    ("On which lake is Larkwater?", ["Orvel"], "on the eastern shore of Lake Orvel"),
    ("In what year was the campsite started?", ["1974"], "The Hadley family founded it in 1974"),
    ("How many members does the cooperative that owns the site have?", ["61"], "a cooperative with 61 members"),
    ("On what date does the camping season end?", ["5 October"], "from 12 April to 5 October"),
    ("Who stays on the grounds during the winter?", ["Anselm Brodie", "caretaker"], "only the caretaker, Anselm Brodie"),
    ("Who updates this handbook?", ["Rosalind Teague", "manager"], "The manager, Rosalind Teague"),
    ("From what time may I set up on my pitch?", ["three"], "onto their pitch from three o'clock"),
    ("By what time do we have to clear our pitch on the last day?", ["eleven"], "pitches must be empty by eleven"),
    ("Where do I sleep if I come after reception has closed?", ["late field"], "in the late field beside the gate"),
    ("What colour is the tag we hang on our tent?", ["green"], "every group gets a green tag"),
    ("How much do I have to pay in advance when I book?", ["30 percent"], "A down payment of 30 percent"),
    ("Until how long before arrival can I cancel without paying?", ["14 days"], "up to 14 days before arrival"),
    ("Which bus goes to the campsite?", ["47"], "Bus 47 stops"),
    ("What does a night in a motorhome cost?", ["31 euros"], "Motorhome 31 euros"),
    ("What is the nightly price for a small tent?", ["14 euros"], "Small tent 14 euros"),
    ("In which part of the site are the hammocks?", ["Pine grove"], "Hammock 9 euros Pine grove"),
    ("How much extra is it for a third adult?", ["7 euros"], "Each further adult pays 7 euros"),
    ("How much cheaper is it in May?", ["15 percent"], "all prices are 15 percent lower"),
    ("How high is the visitor tax?", ["1.80"], "The visitor tax of 1.80 euros"),
    ("How many people can stay in one cabin?", ["five"], "A cabin sleeps up to five people"),
    ("How much do you charge for sheets and bed covers?", ["6.50"], "Bed linen can be rented for 6.50 euros"),
    ("When do the quiet hours at night start?", ["half past ten"], "from half past ten in the evening"),
    ("On which day is there a new barrier code?", ["Friday"], "The code for the barrier changes every Friday"),
    ("What is the speed limit on the site?", ["10 kilometres"], "no faster than 10 kilometres an hour"),
    ("Where can we park our second car?", ["sawmill"], "left at the old sawmill"),
    ("Why may I not play music from a speaker on the beach?", ["grebes"], "since they disturb the nesting grebes"),
    ("What is the price of a hot shower?", ["50 cents"], "A hot shower costs 50 cents"),
    ("How much deposit do you want for the family bathroom key?", ["20 euros"], "against a deposit of 20 euros"),
    ("Where do I empty my chemical toilet?", ["grey hatch"], "only at the grey hatch"),
    ("How can I tell which taps give water to drink?", ["blue"], "the taps that are painted blue"),
    ("What do you charge for a kilowatt-hour of power?", ["55 cents"], "Electricity costs 55 cents"),
    ("Why should I unwind the whole cable drum?", ["overheat"], "because a coiled cable can overheat"),
    ("On which days can I swap an empty gas bottle?", ["Mondays and Thursdays"], "exchanged on Mondays and Thursdays"),
    ("Where may we light a campfire?", ["stone rings"], "only in the seven stone rings"),
    ("How far from the tents must a barbecue be placed?", ["three metres"], "at least three metres away from any tent"),
    ("At which forest warning level are fires no longer permitted?", ["four"], "When the forest warning reaches level four"),
    ("How deep is the lake?", ["38"], "the lake measures 38 metres"),
    ("Which flag tells swimmers to stay out of the water?", ["red"], "A red flag means"),
    ("When do the boats have to be returned in the evening?", ["seven"], "back on their racks by seven"),
    ("Why are boats with engines not permitted on the lake?", ["drinking water"], "gets its drinking water from the lake"),
    ("How much is a fishing permit for one day?", ["11 euros"], "which reception sells for 11 euros"),
    ("What is the name of the cafe?", ["Kingfisher"], "Our cafe is called The Kingfisher"),
    ("On what day of the week is the cafe shut?", ["Wednesday"], "The cafe stays closed on Wednesdays"),
    ("What does it cost to bring a dog?", ["5 euros"], "A dog costs 5 euros a night"),
    ("Which animals steal food at night?", ["raccoons"], "since raccoons come looking for it"),
    ("Who runs the club for children?", ["Imogen Farrow"], "It is led by Imogen Farrow"),
    ("What can guests watch in the barn on Fridays?", ["film"], "On Fridays we show a film"),
    ("At what time does the early shift start work?", ["6:45"], "The early shift begins at 6:45"),
    ("By when do staff have to ask for their holidays?", ["1 February"], "handed in by 1 February"),
    ("How long do you keep things that were found?", ["eight weeks"], "Lost property is kept for eight weeks"),
    ("Where is the defibrillator kept?", ["lower wash house"], "in the entrance of the lower wash house"),
    ("Where should we gather in an emergency?", ["football field"], "The assembly point is the football field"),
]
