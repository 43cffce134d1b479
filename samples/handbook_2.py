"""The second sample handbook: an invented bicycle hire with a workshop. Own text.

Together with the first it is what settings are tried on; shape as in ``handbook_1.py``.
"""

FOLDER = "handbook-2"
TITLE = "Ridgeline Bikes"
SUBTITLE = "How we hire out, repair and ride: a handbook for the crew"

BLOCKS = [
    ("h", "1. Who we are"),
    ("p", "Ridgeline Bikes is a bicycle hire with its own workshop at the foot of Mount Kestrel. Two friends, Tobias Renner and Maeve Quill, opened it in 2009 in a former dairy. "
          "Today fourteen people work here in summer and six in winter. We own 230 bicycles, and a third of them have an electric motor. "
          "The shop cat is called Sprocket and must not be fed by customers. Our landlord is the cable car company, and the lease runs until 2031."),
    ("p", "This booklet is meant for new members of the crew, but customers may read it too. Maeve keeps the master copy and corrects it each November."),
    ("h", "2. When we are open"),
    ("p", "In summer we unlock the doors at half past seven. In winter the shop opens at nine. Closing time is six in the evening all year round. "
          "We take Tuesdays off from November to March. During the first two weeks of November the shop is shut for stocktaking. "
          "The workshop stops taking in repairs an hour before the shop closes. The cable car brings up the first bikes at 8:20."),
    ("h", "3. Hire prices"),
    ("p", "Prices are per bike and day and include a helmet, a lock and a small pump. The prices hang on the wall behind the counter as well."),
    ("table", ["Bike", "Price per day", "Deposit"], [
        ["City bike", "18 euros", "50 euros"],
        ["Hardtail", "34 euros", "150 euros"],
        ["Full suspension", "52 euros", "300 euros"],
        ["E-bike", "59 euros", "400 euros"],
        ["Tandem", "45 euros", "200 euros"],
        ["Child bike", "12 euros", "30 euros"],
    ]),
    ("p", "Half a day costs two thirds of the daily price. From the third day on, we take 20 percent off. Guests of the Alpine Hostel get 5 euros off each day. A trailer for toddlers costs 15 euros extra. "
          "Knee pads can be had for 4 euros. Bikes that come back late cost 8 euros for each hour begun. A customer who cancels by noon on the day before gets everything back."),
    ("h", "4. Handing out a bike"),
    ("p", "Nobody rides off without showing an identity document. Customers sign the blue form, and we file it under their surname. Riders on a full suspension bike must be at least sixteen. "
          "The saddle is set so that the heel just touches the pedal. We check both brakes in front of the customer. Tyres of mountain bikes leave the shop with 1.8 bar. City bikes get 4 bar. "
          "Take a photo of every scratch before the bike goes out. The longest hire we allow is 21 days."),
    ("p", "The largest frame in the house is 62 centimetres. A rider may weigh 125 kilograms at most on any of our bikes. The trailer takes two toddlers with 40 kilograms together. "
          "The keys for the locks hang on the red board beside the till."),
    ("h", "5. When a bike comes back"),
    ("ul", [
        "Hose the mud off before the bike enters the hall.",
        "Never point the jet at the bearings.",
        "Batteries are charged in the brick shed, never in the hall.",
        "A full charge takes four and a half hours.",
        "A flat battery is marked with a yellow ribbon.",
        "Bikes with damage go to stand number seven.",
        "The deposit is paid back as soon as the bike has been looked over.",
    ]),
    ("h", "6. The workshop"),
    ("p", "The head of the workshop is Bogdan Iliescu. He learned his trade in a tram depot and hates squeaking chains. A small service costs 39 euros and a big one 95 euros. "
          "Mending a puncture costs 11 euros, tube included. Simple repairs are ready on the same day; for anything bigger we need three working days. "
          "Customers who wait may use the coffee machine without paying."),
    ("p", "Chains of hire bikes are changed after 1,500 kilometres. Brake pads are thrown out when less than one millimetre is left. The air compressor is drained every Friday. The repair stands were welded by Bogdan himself from old ski lift poles. "
          "Spokes are kept in the green drawers, sorted by length. Brake fluid stands in the locked steel cupboard. Used tyres are fetched by a farmer, who builds cow mats from them. "
          "Spare parts come from Velotrade in Linz. An order placed before eleven arrives the next morning. We give two years of guarantee on our repairs."),
    ("h", "7. Guided rides"),
    ("p", "The sunrise ride sets off at 4:45 from the fountain. It is led by Yuki Tanabe. The sunrise ride costs 65 euros and breakfast in the hut is part of it. A guide takes no more than eight riders. "
          "We need three people for a ride to go ahead. The family loop is 14 kilometres long and has hardly any climbs. The Kestrel descent drops 1,140 metres to the valley. "
          "The skills course for beginners is on Sunday mornings. It lasts two and a half hours. If there is thunder, the guide calls the ride off and everybody is given a voucher."),
    ("h", "8. On the mountain"),
    ("p", "The speed limit on forest roads is 30 kilometres per hour. Hikers always have the right of way. Riding after dusk is forbidden because the deer come out to feed. "
          "The trail through Raven Gorge is closed from December to April. Drinking water can be taken from the spring at the chapel. "
          "The mountain rescue answers on 140. Every guide carries a whistle, a foil blanket and a satellite phone. The nearest hospital is in Brookhaven, 22 kilometres away."),
    ("h", "9. Working with us"),
    ("p", "Shifts are posted on Thursdays for the week after. The morning shift starts at seven. Seasonal staff work 35 hours a week. Each of us has 26 days of paid leave. Nobody may be away in August. "
          "Sunday work is paid with an extra 50 percent. If you wake up ill, send Tobias a message before half past six. Wages come on the last working day of the month. "
          "Whoever wants to leave gives six weeks of notice. Crew members buy parts at cost price plus 10 percent."),
    ("p", "Everyone gets three orange shirts and one rain jacket. Steel-toed shoes are compulsory in the workshop. Grease is washed off with the sand soap next to the sink. "
          "Lunch is cooked by a different person each day; the kitchen list hangs on the fridge. The first-aid box is above the sink and is refilled by Nadine Okafor. Tips go into the glass jar and are shared out at the end of the season."),
    ("h", "10. Fire and accidents"),
    ("p", "A burning battery is covered with sand, not with water. Two buckets of sand stand at the door of the brick shed. If there is a fire, we meet at the cattle trough across the road. "
          "Any fall of a customer is written into the black book. The insurance number is KX-4471. The fire brigade visits us each spring for a drill."),
    ("h", "11. Who does what"),
    ("ul", [
        "Bookings and emails are handled by Priya Nand.",
        "Tobias orders new bikes and talks to the bank.",
        "Maeve pays the bills and the wages.",
        "Yuki plans the guided rides.",
        "Olaf Brandvik drives the van and the trailer.",
        "Nadine takes care of the website.",
        "The password of the till is known to Maeve and Priya only.",
    ]),
]

QUESTIONS = [
    ("Who were the founders of Ridgeline Bikes?", ["Tobias Renner", "Maeve Quill"], "Tobias Renner and Maeve Quill"),
    ("Since which year has the business existed?", ["2009"], "opened it in 2009"),
    ("How many bicycles belong to the company?", ["230"], "230 bicycles"),
    ("What is the name of the cat?", ["Sprocket"], "Sprocket"),
    ("Until which year does the lease last?", ["2031"], "2031"),
    ("From what time on is the shop open in summer?", ["half past seven"], "half past seven"),
    ("At what hour do you start in winter?", ["nine"], "opens at nine"),
    ("When does the shop close in the evening?", ["six"], "Closing time is six"),
    ("Which day of the week is your day of rest in winter?", ["Tuesday"], "Tuesdays off"),
    ("What do I pay to rent a hardtail for a day?", ["34 euros"], "Hardtail"),
    ("How much is an e-bike per day?", ["59 euros"], "E-bike"),
    ("What does it cost to rent a tandem?", ["45 euros"], "Tandem"),
    ("What is the fee when I bring a bike back too late?", ["8 euros"], "8 euros for each hour"),
    ("How much does it cost to borrow knee pads?", ["4 euros"], "Knee pads"),
    ("What is the charge for the toddler trailer?", ["15 euros"], "trailer for toddlers"),
    ("By how much does the price fall from day three?", ["20 percent"], "20 percent off"),
    ("How old do I have to be to rent a full suspension bike?", ["sixteen"], "at least sixteen"),
    ("How much air do mountain bike tyres need?", ["1.8"], "1.8 bar"),
    ("For how many days can I keep a bike at the longest?", ["21"], "21 days"),
    ("What is the maximum weight of a rider?", ["125"], "125 kilograms"),
    ("Where do I find the keys of the locks?", ["red board"], "red board"),
    ("In which place do we charge the batteries?", ["brick shed"], "Batteries are charged"),
    ("How long does it take until a battery is full?", ["four and a half"], "four and a half hours"),
    ("How do I see that a battery is empty?", ["yellow ribbon"], "yellow ribbon"),
    ("Where must I put a damaged bike?", ["seven"], "stand number seven"),
    ("Who leads the workshop?", ["Bogdan"], "Bogdan Iliescu"),
    ("What is the price of a big service?", ["95"], "95 euros"),
    ("How much must I pay to have a puncture fixed?", ["11 euros"], "Mending a puncture"),
    ("After what distance does a chain have to be replaced?", ["1,500"], "1,500 kilometres"),
    ("How often do we drain the compressor?", ["Friday"], "every Friday"),
    ("Who supplies our spare parts?", ["Velotrade"], "Velotrade"),
    ("In which drawers are the spokes?", ["green"], "green drawers"),
    ("How long is the guarantee on a repair?", ["two years"], "two years of guarantee"),
    ("When does the sunrise tour start?", ["4:45"], "4:45"),
    ("Who is the guide on the sunrise ride?", ["Yuki"], "Yuki Tanabe"),
    ("How many people can go with one guide?", ["eight"], "eight riders"),
    ("What is the length of the family loop?", ["14"], "14 kilometres"),
    ("How long does the beginners' course take?", ["two and a half"], "two and a half hours"),
    ("How fast may I go on a forest road?", ["30"], "30 kilometres per hour"),
    ("Why must nobody ride in the dark?", ["deer"], "deer come out"),
    ("Which number reaches the mountain rescue?", ["140"], "answers on 140"),
    ("In what town is the closest hospital?", ["Brookhaven"], "Brookhaven"),
    ("When does the early shift begin?", ["seven"], "morning shift starts"),
    ("How many days of holiday do we get?", ["26"], "26 days"),
    ("In which month is it impossible to take holidays?", ["August"], "away in August"),
    ("What extra money is there for working on a Sunday?", ["50 percent"], "extra 50 percent"),
    ("How long is the notice period if I quit?", ["six weeks"], "six weeks of notice"),
    ("What kind of shoes do I have to wear in the workshop?", ["steel-toed"], "Steel-toed shoes"),
    ("Who fills up the first-aid box?", ["Nadine"], "Nadine Okafor"),
    ("What do I put on a battery that is on fire?", ["sand"], "covered with sand"),
    ("Where do we gather in case of fire?", ["cattle trough"], "cattle trough"),
    ("What is our insurance number?", ["KX-4471"], "KX-4471"),
    ("Who answers the emails?", ["Priya"], "Priya Nand"),
    ("Who drives the van?", ["Olaf"], "Olaf Brandvik"),
]
