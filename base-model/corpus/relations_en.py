"""English relations: what a handbook says about a thing, in many wordings.

A block starts with ``# name | entity kinds | value kind | table header``; lines
``S`` are statements, lines ``Q`` questions. ``(a|b)`` picks one wording,
``{e}`` is the entity with its article, ``{v}`` the value.
"""

TEXT = """
# price | ticket,product,dish,course,service | money | price
S {e} costs {v}.
S The (price|charge) (of|for) {e} is {v}.
S (Visitors|Customers|Guests|People) pay {v} for {e}.
S For {e} (we charge|you pay|the charge is|please pay) {v}.
S {e} is sold for {v}.
Q How much (does|will) {e} cost?
Q What (does|will) {e} cost?
Q (What is|Tell me|Do you know) the (price|cost|fee) (of|for) {e}?
Q What do I (pay|have to pay) for {e}?
Q How (expensive|dear) is {e}?
Q (How much money|How much) do (I|you|we) need for {e}?
Q What is charged for {e}?
# fee | service,activity,doc,room | money | fee
S The fee for {e} (is|amounts to|comes to) {v}.
S A fee of {v} (is charged|applies|is due) for {e}.
S {e} comes with a fee of {v}.
S Whoever uses {e} pays a fee of {v}.
Q (How high|How much) is the (fee|charge) for {e}?
Q What (fee|charge|sum) (applies to|is due for|do I pay for) {e}?
Q How much is (charged|asked|taken) for {e}?
Q What does it cost to (use|have|get) {e}?
Q Is there a fee for {e}, and how much is it?
# deposit | product,tool,vehicle,room,service | money | deposit
S The deposit for {e} is {v}.
S A deposit of {v} is (required|asked|taken) for {e}.
S (Please leave|You leave|Borrowers leave) a deposit of {v} for {e}.
S Before handing out {e} we take {v} as a deposit.
Q How (high|much) is the (deposit|security) for {e}?
Q What deposit (is needed|do I leave|must be paid) for {e}?
Q How much do I have to leave as security for {e}?
Q What sum must I put down for {e}?
Q (Which amount|How much money) is held back for {e}?
# discount | ticket,product,course,service | percent | discount
S (Students|Seniors|Members|Groups) get {v} off {e}.
S The discount (on|for) {e} is {v}.
S {e} is reduced by {v} for members.
S There is a (reduction|discount) of {v} on {e}.
Q How (big|large|high) is the (discount|reduction) (on|for) {e}?
Q How much (cheaper|less) is {e} with the (discount|card)?
Q What (discount|rebate|reduction) do I get on {e}?
Q By how much is {e} reduced?
# opens | place,room | time | opening time
S {e} opens at {v}.
S {e} is open from {v}.
S The doors of {e} open at {v}.
S The opening time of {e} is {v}.
S From {v} on, {e} is open.
S You can enter {e} from {v} onwards.
Q (When|At what time|At which hour) does {e} open?
Q From (when|what time) is {e} open?
Q What is the opening (time|hour) of {e}?
Q How early can (I|we|one) (enter|visit|go into) {e}?
Q When (may|can) people come to {e}?
Q What time (do the doors of {e} open|can I get into {e})?
# closes | place,room | time | closing time
S {e} closes at {v}.
S {e} is open until {v}.
S The doors of {e} (are locked|close) at {v}.
S The closing time of {e} is {v}.
S After {v}, {e} is closed.
S {e} shuts at {v} (sharp|each evening|every day).
Q (When|At what time|At which hour) does {e} (close|shut)?
Q (Until when|Until what time|How long) is {e} open?
Q What is the closing (time|hour) of {e}?
Q How late can (I|we) (stay in|visit) {e}?
Q When is {e} locked (up|in the evening)?
# closedday | place | weekday | closing day
S {e} is closed on {v}.
S On {v} {e} (stays closed|is not open).
S {e} has its rest day on {v}.
S There is no service at {e} on {v}.
Q On (which|what) day is {e} (closed|shut|not open)?
Q When does {e} (stay closed|not open)?
Q Which day of the week can I not visit {e}?
Q What is the (rest day|closing day|day off) of {e}?
Q Which day is free for {e}?
# begins | course,event,shift | time | start
S {e} (begins|starts) at {v}.
S The start of {e} is at {v}.
S We begin {e} at {v}.
S {e} gets under way at {v}.
S At {v} {e} (begins|starts).
Q (When|At what time) does {e} (begin|start)?
Q What is the (starting|start) time of {e}?
Q What time must I be there for {e}?
Q When do we begin {e}?
Q At which hour is the start of {e}?
Q When does {e} kick off?
# ends | course,event,shift | time | end
S {e} (ends|finishes|is over) at {v}.
S The end of {e} is at {v}.
S At {v} {e} (ends|finishes).
S {e} runs until {v}.
Q (When|At what time) does {e} (end|finish)?
Q (Until when|How long) does {e} run?
Q When is {e} over?
Q What is the finishing time of {e}?
Q What time can I leave {e}?
# duration | course,event,service,process | duration | duration
S {e} (lasts|takes) {v}.
S The (duration|length) of {e} is {v}.
S (Allow|Plan|Reckon with) {v} for {e}.
S It takes {v} to complete {e}.
S {e} is over after {v}.
Q How long does {e} (last|take)?
Q How much time (does {e} take|should I plan for {e}|do I need for {e})?
Q What is the (duration|length) of {e}?
Q How many (hours|minutes) (does {e} take|are planned for {e})?
Q After what time is {e} over?
# deadline | doc,process,event | date | deadline
S The deadline for {e} is {v}.
S {e} must be (completed|handed in|settled) by {v}.
S The last day for {e} is {v}.
S Please take care of {e} (before|no later than) {v}.
S {v} is the latest date for {e}.
Q (What|When) is the deadline for {e}?
Q (By when|Until when) must {e} be (done|handed in|completed)?
Q What is the (last|latest) (day|date) for {e}?
Q How late can I (hand in|finish|deal with) {e}?
Q By which date do I have to take care of {e}?
# dateof | event,course | date | date
S {e} (takes place|is held) on {v}.
S The date of {e} is {v}.
S On {v} we hold {e}.
S {e} is planned for {v}.
Q (When|On which date|On what day) (does {e} take place|is {e})?
Q What is the date of {e}?
Q (For when|For which day) is {e} planned?
Q Which day should I note for {e}?
Q When will {e} be held?
# weekdayof | event,course,service | weekday | day
S {e} takes place (on|every week on) {v}.
S {e} is (offered|held) on {v}.
S We offer {e} on {v}.
S The day for {e} is {v}.
Q On (which|what) (day|weekday) (is|do you offer) {e}?
Q Which day of the week is (set aside|planned) for {e}?
Q When in the week (is {e}|does {e} happen)?
Q What day is {e} on?
# extension | person,dept,place | ext | extension
S The (telephone|internal) extension of {e} is {v}.
S {e} can be (called|reached) on extension {v}.
S (Call|Dial) {v} to reach {e}.
S For {e}, dial {v}.
S {e} answers calls on number {v}.
Q What is the (extension|phone number|telephone number|number) of {e}?
Q (Which|What) number do I (dial|call) (for|to reach) {e}?
Q How can I (phone|call|ring) {e}?
Q On which extension (is {e} reached|can I speak to {e})?
Q How do I get {e} on the phone?
# roomof | person,dept,event,course | roomno | room
S {e} (is|can be found) in {v}.
S You (find|meet) {e} in {v}.
S The room of {e} is {v}.
S {v} is where {e} can be found.
Q (Where|In which room) (is|can I find|do I find) {e}?
Q (What|Which) room (is {e} in|belongs to {e})?
Q Where do I have to go for {e}?
Q In what room can (I|people) (meet|find) {e}?
# floor | room,dept,place | floor | floor
S {e} is on {v}.
S You (find|reach) {e} on {v}.
S {e} (lies|is located) on {v}.
S Go to {v} for {e}.
Q (On which|On what) floor (is|do I find|can I find) {e}?
Q Where in the building is {e}?
Q (Which|What) (floor|level|storey) (is {e} on|do I go to for {e})?
Q Where (is|lies) {e}?
# location | place,room,machine,tool,product,object | location | place
S {e} (is|stands|can be found) {v}.
S You (find|will see) {e} {v}.
S The place of {e} is {v}.
S {e} is kept {v}.
Q Where (is|are we keeping|do you keep|can I find) {e}?
Q (Where|In which place) do I (look for|find) {e}?
Q What is the place of {e}?
Q Where should I (go|look) for {e}?
Q Where has {e} been put?
# responsible | room,machine,process,dept,activity,event | person | responsible
S {v} is responsible for {e}.
S {v} (looks after|takes care of|is in charge of) {e}.
S The person responsible for {e} is {v}.
S {e} is the (task|responsibility) of {v}.
S Questions about {e} go to {v}.
Q Who is (responsible for|in charge of) {e}?
Q Who (looks after|takes care of|handles) {e}?
Q (Whom|Who) (do I ask|should I speak to|can I turn to) about {e}?
Q Which person (is responsible for|deals with) {e}?
Q Whose (task|job|duty) is {e}?
# leader | dept,team,course,event | person | head
S {v} (leads|heads|runs) {e}.
S The (head|leader) of {e} is {v}.
S {e} is (led|run|headed) by {v}.
S At the head of {e} stands {v}.
Q Who (leads|heads|runs|manages) {e}?
Q Who is the (head|leader|boss) of {e}?
Q By whom is {e} (led|run)?
Q What is the name of the (head|leader) of {e}?
# deputy | person,dept | person | deputy
S The deputy of {e} is {v}.
S {v} (stands in for|is the deputy of|replaces) {e} (during absences|in case of illness|on days off).
S When {e} is away, {v} (takes over|decides).
Q Who (stands in for|replaces|is the deputy of|represents) {e}?
Q Who (takes over|is there) when {e} is (away|absent|ill)?
Q What is the name of the (deputy|substitute|stand-in) of {e}?
# teaches | course | person | teacher
S {v} teaches {e}.
S The (teacher|instructor) of {e} is {v}.
S {e} is (taught|given) by {v}.
S You learn with {v} in {e}.
Q Who (teaches|gives|holds) {e}?
Q Who is the (teacher|instructor|trainer) (of|for) {e}?
Q By whom is {e} taught?
Q With whom do I learn in {e}?
Q Which teacher (gives|runs) {e}?
# founded | place,team,dept | year | founded
S {e} was (founded|opened|set up) in {v}.
S The founding year of {e} is {v}.
S In {v} {e} was (founded|established).
S {e} has existed since {v}.
Q (When|In which year|In what year) was {e} (founded|opened|set up|established)?
Q Since when does {e} exist?
Q How long has {e} existed?
Q What is the founding year of {e}?
# founder | place,team | person | founder
S {v} founded {e}.
S {e} was (founded|started|set up) by {v}.
S The founder of {e} is {v}.
S {e} goes back to {v}.
Q Who (founded|started|set up|established) {e}?
Q Who was the founder of {e}?
Q By whom was {e} (founded|started)?
Q To whom does {e} go back?
Q Whose idea was {e}?
# built | building,machine,vehicle,room | year | year built
S {e} was (built|made|constructed) in {v}.
S {e} dates from {v}.
S The year of construction of {e} is {v}.
S In {v} {e} was (finished|built).
Q (When|In which year) was {e} (built|made|constructed)?
Q How old is {e}?
Q From which year (is|does) {e}?
Q What is the year of construction of {e}?
Q (From when|What year) does {e} date from?
# colour | product,vehicle,tool,machine,object,room | colour | colour
S {e} is {v}.
S The colour of {e} is {v}.
S {e} is painted {v}.
S {e} comes in {v}.
S {e} has a {v} surface.
Q What colour (is|does) {e}?
Q (Which|What) colour (is|has) {e}?
Q What is the colour of {e}?
Q In which colour (is|does) {e} come?
Q How is {e} painted?
# weight | product,vehicle,tool,machine,animal,object | weight | weight
S {e} weighs {v}.
S The weight of {e} is {v}.
S {e} has a weight of {v}.
S On the scales, {e} reaches {v}.
Q How (much does {e} weigh|heavy is {e})?
Q What (is the weight of {e}|does {e} weigh)?
Q How many kilos does {e} (weigh|have)?
Q (Which|What) weight (has|does) {e} have?
Q What do the scales show for {e}?
# length | tool,vehicle,animal,object,place | length | length
S {e} is {v} long.
S The length of {e} is {v}.
S {e} measures {v} in length.
S From end to end, {e} measures {v}.
Q How long is {e} (from end to end|in metres|altogether)?
Q What is the length of {e}?
Q (Which|What) length (has|does) {e} have?
Q What does {e} measure in length?
# height | building,machine,plant,animal,object | length | height
S {e} is {v} (high|tall).
S The height of {e} is {v}.
S {e} (grows|rises) to a height of {v}.
S {e} reaches {v} in height.
Q How (tall|high) is {e}?
Q What (is the height of {e}|height does {e} reach)?
Q How (tall|high) does {e} (become|get)?
Q How far up does {e} reach?
# capacity | room,vehicle,place,building | people | capacity
S {e} (holds|has room for|seats) {v}.
S The capacity of {e} is {v}.
S Up to {v} fit into {e}.
S {e} is meant for {v} at most.
S No more than {v} may be in {e} at the same time.
Q How many (people|persons) (fit into|may be in|can use) {e}?
Q (What|How large) is the capacity of {e}?
Q For how many (people|persons) is {e} (meant|made)?
Q How many seats are there in {e}?
Q What is the (largest|greatest) number of people (in|for) {e}?
# volume | tank,machine,tool,object | litres | volume
S {e} holds {v}.
S The volume of {e} is {v}.
S {e} can (take|contain) {v}.
S {v} fit into {e}.
Q How much (does {e} hold|fits into {e}|can {e} take)?
Q How many litres (does {e} hold|fit into {e}|go into {e})?
Q What (is the volume|volume) of {e}?
Q How large is {e} inside?
# temperature | room,process,dish,machine,material | temp | temperature
S The temperature (of|for) {e} is {v}.
S {e} is kept at {v}.
S {e} needs (a temperature of|exactly) {v}.
S Set the temperature for {e} to {v}.
S For {e}, the thermometer should show {v}.
Q (What|Which) temperature (does {e} need|is right for {e})?
Q At (what|which) temperature is {e} kept?
Q How (warm|hot|cold) (is|should) {e} be?
Q How many degrees (does {e} need|are right for {e})?
Q To what do I set the thermostat for {e}?
# speed | vehicle,machine,animal,place | speed | top speed
S The (top|highest|maximum) speed (of|for) {e} is {v}.
S {e} (reaches|moves at up to) {v}.
S (At most|No more than) {v} is possible with {e}.
S {e} may not go faster than {v}.
Q How fast (is|can|may) {e} (go|move|be)?
Q What is the (top|highest|maximum) speed (of|for) {e}?
Q (Which|What) speed does {e} reach?
Q How quickly does {e} move?
Q What is the speed limit for {e}?
# warranty | product,machine,tool,vehicle | period | warranty
S The warranty (on|for) {e} (is|lasts|runs for) {v}.
S {e} (has|comes with) a warranty of {v}.
S We give a guarantee of {v} on {e}.
S For {e} the maker promises {v} of warranty.
Q How long is the (warranty|guarantee) (on|for) {e}?
Q What (warranty|guarantee) (does {e} have|comes with {e}|do I get with {e})?
Q For how long is {e} (covered|under warranty)?
Q How many years of guarantee are there on {e}?
Q Until when will {e} be (repaired|replaced) for free?
# maintenance | machine,vehicle,tool,building | frequency | maintenance
S {e} is (serviced|maintained|checked) {v}.
S (Maintenance|Servicing) of {e} takes place {v}.
S {v}, {e} (is|has to be) (serviced|inspected).
S A mechanic looks at {e} {v}.
Q How often (is {e} serviced|is {e} maintained|is {e} checked|must {e} be inspected)?
Q (When|How frequently) (is|does) the (maintenance|servicing) of {e} (due|done)?
Q What is the (service|maintenance) interval of {e}?
Q At what intervals is {e} (inspected|looked at)?
# cleaning | room,machine,tool,place,object | frequency | cleaning
S {e} is cleaned {v}.
S The cleaning of {e} is done {v}.
S {v}, {e} is (washed|cleaned|wiped).
S (Staff clean|We clean|The team cleans) {e} {v}.
Q How (often|frequently) is {e} (cleaned|washed|wiped)?
Q When is {e} (cleaned|washed)?
Q At what intervals (is {e} cleaned|do you clean {e})?
Q What is the cleaning rhythm of {e}?
# frequency | process,event,service,activity | frequency | rhythm
S {e} (takes place|is done|happens) {v}.
S {v}, there is {e}.
S We (do|carry out|plan) {e} {v}.
S {e} comes round {v}.
Q How (often|frequently) (is there|do we have|do you do) {e}?
Q How (often|many times) does {e} (take place|happen)?
Q At what intervals is {e} (done|planned)?
Q What is the rhythm of {e}?
# leave | person,dept,role | days | days of leave
S {e} (gets|has|is entitled to) {v} of leave (a year|each year|per year).
S The yearly leave of {e} is {v}.
S Every year {e} can take {v} off.
S For {e} the contract gives {v} of holiday.
Q How (much leave|much holiday|many days off|many holidays) does {e} (get|have)?
Q How many days of (leave|holiday|vacation) are there for {e}?
Q How long may {e} be on holiday (each year|in a year)?
Q What is the yearly (leave|holiday) of {e}?
# notice | role,service,doc,room | period | notice period
S The notice period (for|of) {e} is {v}.
S {e} can be (ended|cancelled|given up) with {v} of notice.
S Notice of {v} is (needed|required) for {e}.
S Whoever wants to end {e} gives {v} of notice.
Q (What|How long) is the notice period (for|of) {e}?
Q How (early|long before) must {e} be (cancelled|ended|given up)?
Q How much notice (is needed for|do I give for) {e}?
Q How far ahead do I (cancel|end) {e}?
# validity | ticket,doc,software | period | validity
S {e} is valid for {v}.
S {e} (can be used|stays valid) for {v}.
S After {v}, {e} (expires|is no longer valid).
S The validity of {e} is {v}.
Q How long is {e} valid?
Q For how long (can I use|is|may I use) {e}?
Q When does {e} (expire|run out)?
Q What is the validity of {e}?
Q After what time does {e} become invalid?
# loan | product,tool,object,vehicle | period | loan period
S {e} can be borrowed for {v}.
S The loan period for {e} is {v}.
S You may keep {e} for {v}.
S After {v}, {e} must be (returned|brought back).
Q How long (may I keep|can I borrow|can I have) {e}?
Q What is the (loan|lending) period for {e}?
Q (When|After what time) must I (return|bring back|give back) {e}?
Q For how long is {e} lent?
# agelimit | ticket,course,activity,place,machine | age | minimum age
S The minimum age for {e} is {v}.
S {e} is open to (people|visitors|persons) from the age of {v}.
S You must be at least {v} old for {e}.
S Nobody younger than {v} may use {e}.
Q What is the (minimum|lowest) age for {e}?
Q How old (must|do) (I|you|one) be for {e}?
Q From (what|which) age (is {e} open|can one use {e}|is {e} allowed)?
Q At what age may people use {e}?
# limit | product,activity,service,doc | count | limit
S The limit for {e} is {v} per person.
S (Each person|Everybody|A member) may have {v} of {e} at most.
S No more than {v} are allowed for {e}.
S {e} is limited to {v}.
Q What is the (limit|maximum) for {e}?
Q How many are allowed for {e}?
Q (To what number|How strictly) is {e} limited?
Q How many of {e} may (a person|I|one) have?
# penalty | activity,process,doc | penalty | penalty
S The penalty for breaking the rules on {e} is {v}.
S Whoever ignores the rules about {e} gets {v}.
S (Mistakes with|Breaking the rules on) {e} (lead to|means) {v}.
S For missing {e} there is {v}.
Q What (is the penalty|happens) if I (ignore|break) the rules on {e}?
Q What (punishment|penalty|consequence) (is there for|follows) {e}?
Q What (threatens|do I risk) when {e} goes wrong?
Q What are the consequences concerning {e}?
# document | process,activity,doc,service,course | document | document needed
S For {e} you need {v}.
S {v} is required for {e}.
S (Please bring|Bring|Show) {v} for {e}.
S {e} is only possible with {v}.
Q (What|Which) (document|paper|papers) (do I need|must I bring|is required) for {e}?
Q What (do I have to|must I|should I) (bring|show|present) for {e}?
Q What is (needed|required) for {e}?
Q Which proof is asked for {e}?
# material | product,tool,object,building,machine | material | material
S {e} is made of {v}.
S The material of {e} is {v}.
S {e} consists of {v}.
S {v} is what {e} is made of.
Q What is {e} made of?
Q (What|Which) material (is|was used for) {e} (made of|built from)?
Q What is the material of {e}?
Q Of what does {e} consist?
Q From which material is {e}?
# nextstep | process,step | step | next step
S After {e}, {v}.
S Once {e} is done, {v}.
S The step after {e} is to {v}.
S When you have finished {e}, {v}.
Q What (do I do|comes|happens) after {e}?
Q What is the (next step|step) after {e}?
Q {e} is done, what (now|next|then)?
Q What follows {e}?
Q What should I do once {e} is finished?
# firststep | process | step | first step
S Before {e}, {v}.
S The first step of {e} is to {v}.
S {e} begins like this: {v}.
S To start {e}, {v}.
Q What (do I do|must I do|has to be done) before {e}?
Q What is the first step of {e}?
Q How (do I start|does one begin) {e}?
Q With what does {e} begin?
# tool | process,machine,vehicle | tool | tool
S For {e} you need {v}.
S Use {v} for {e}.
S {v} is the right tool for {e}.
S Work on {e} is done with {v}.
Q (What|Which) (tool|tools) (do I need|do I use|is right) for {e}?
Q With what is {e} done?
Q What should I (take|use|have ready) for {e}?
Q What (equipment|instrument) does {e} call for?
# ingredients | dish | ingredients | ingredients
S {e} is made (with|from) {v}.
S {e} contains {v}.
S The main ingredients of {e} are {v}.
S For {e} we use {v}.
Q What (is in|goes into|belongs in) {e}?
Q (What|Which) ingredients (does {e} have|are in {e}|do I need for {e})?
Q What is {e} made (of|from|with)?
Q What does {e} contain?
# cooktime | dish | duration | cooking time
S {e} (bakes|cooks|simmers) for {v}.
S The cooking time of {e} is {v}.
S Leave {e} on the heat for {v}.
S {e} needs {v} in the kitchen.
Q How long does {e} (bake|cook|simmer|need)?
Q What is the cooking time of {e}?
Q After how long is {e} (ready|done|cooked)?
Q How much time does {e} take in the kitchen?
# storage | dish,material,product | period | shelf life
S {e} keeps for {v}.
S {e} can be stored for {v}.
S The shelf life of {e} is {v}.
S After {v}, {e} must be thrown away.
Q How long (does {e} keep|can {e} be stored|stays {e} good)?
Q What is the shelf life of {e}?
Q When must {e} be thrown away?
Q For how long can I (keep|store) {e}?
# food | animal | food | food
S {e} (eats|feeds on) {v}.
S The food of {e} is {v}.
S We feed {e} with {v}.
S {e} gets {v} to eat.
Q What (does {e} eat|do you feed {e}|is the food of {e})?
Q (What|Which) food does {e} (eat|get|need)?
Q On what does {e} feed?
Q With what do we feed {e}?
# lifespan | animal,plant | years | lifespan
S {e} lives for {v}.
S The lifespan of {e} is {v}.
S {e} can reach an age of {v}.
S {e} becomes {v} old.
Q How (long does|old can) {e} (live|become|get)?
Q What (is the lifespan of {e}|age does {e} reach)?
Q How many years does {e} live?
Q At what age does {e} die?
# watering | plant | frequency | watering
S {e} is watered {v}.
S Water {e} {v}.
S {e} needs water {v}.
S The watering can goes to {e} {v}.
Q How often (is {e} watered|do I water {e}|does {e} need water)?
Q When does {e} (get|need) water?
Q At what intervals do I water {e}?
Q How frequently must {e} be watered?
# blooms | plant | month | flowering time
S {e} (blooms|flowers) in {v}.
S The flowers of {e} open in {v}.
S In {v}, {e} is in bloom.
S {e} shows its flowers in {v}.
Q (When|In which month) does {e} (bloom|flower)?
Q What is the flowering time of {e}?
Q In what month (is {e} in bloom|do the flowers of {e} open)?
Q When can I see the flowers of {e}?
# plantmonth | plant | month | planting time
S {e} is (planted|sown) in {v}.
S The best month to plant {e} is {v}.
S Plant {e} in {v}.
S {e} goes into the ground in {v}.
Q (When|In which month) (is {e} planted|do I plant {e}|is {e} sown)?
Q What is the best time to plant {e}?
Q When does {e} go into the (ground|soil|bed)?
Q Which month is right for planting {e}?
# distance | place,building | distance | distance
S {e} is {v} from the (station|main entrance|town centre).
S The distance to {e} is {v}.
S It is {v} to {e}.
S {e} lies {v} away.
Q How far (is it to|away is|is) {e}?
Q What is the distance to {e}?
Q How many (metres|kilometres) is it to {e}?
Q How long is the way to {e}?
Q How far do I have to (go|walk) to {e}?
# origin | product,dish,object,animal,plant | town | origin
S {e} comes from {v}.
S {e} was (made|found|born) in {v}.
S The home of {e} is {v}.
S {v} is where {e} comes from.
Q Where does {e} come from?
Q What is the (origin|home) of {e}?
Q From (which|what) (town|place) (is|does) {e} (come|from)?
Q Where was {e} (made|found|born)?
# town | place,team,dept,building | town | town
S {e} is (located|based|at home) in {v}.
S {e} stands in {v}.
S The town of {e} is {v}.
S You find {e} in {v}.
Q (Where|In which town|In what town) is {e}?
Q (Which|What) town is {e} in?
Q In which (place|city) (is|do I find) {e}?
Q Where is {e} (located|based|at home)?
# lives | person | town | home town
S {e} lives in {v}.
S The home of {e} is in {v}.
S {e} (has a house|rents a flat) in {v}.
S {e} comes to work from {v}.
Q Where does {e} live?
Q In which (town|place) (does {e} live|is the home of {e})?
Q Where is the home of {e}?
Q What is the home town of {e}?
# job | person | role | job
S {e} (works as|is) {v}.
S The job of {e} is {v}.
S {e} earns a living as {v}.
S By profession {e} is {v}.
Q What (does {e} do|is the job of {e}|is the profession of {e})?
Q (What|Which) (job|profession|work) does {e} (have|do)?
Q As what does {e} work?
Q How does {e} earn (money|a living)?
# hobby | person | hobby | hobby
S {e} (likes|loves|enjoys) {v}.
S The hobby of {e} is {v}.
S In the evening {e} spends time {v}.
S {e} is fond of {v}.
Q What does {e} (like|love|enjoy)?
Q What is the hobby of {e}?
Q How does {e} spend (free time|the evening)?
Q Of what is {e} fond?
# birthday | person | date | birthday
S The birthday of {e} is {v}.
S {e} was born on {v}.
S {e} celebrates on {v}.
S On {v} {e} has a birthday.
Q When (is the birthday of {e}|was {e} born)?
Q On which (day|date) (was {e} born|does {e} celebrate)?
Q What is the (birthday|birth date|date of birth) of {e}?
Q When does {e} have a birthday?
# pet | person | pet | pet
S {e} has {v}.
S The pet of {e} is {v}.
S At home {e} keeps {v}.
S {e} lives together with {v}.
Q (What|Which) (pet|animal) does {e} have?
Q What is the pet of {e}?
Q Which animal (belongs to|lives with) {e}?
Q What does {e} keep at home?
# hours | person,dept,role,place | hours | hours
S {e} works {v} (a|per) week.
S The (weekly hours|working week) of {e} is {v}.
S The contract of {e} says {v} each week.
S In a week {e} puts in {v}.
Q How (many hours|much) does {e} work (per week|in a week|weekly)?
Q How long is the working week of {e}?
Q What are the weekly hours of {e}?
Q How many hours a week are there for {e}?
# salary | role,person | money | pay per day
S {e} earns {v} (a day|per day|each day).
S The daily pay of {e} is {v}.
S {e} is paid {v} (a day|per day).
S For one day of work {e} receives {v}.
Q How much does {e} earn (a day|per day)?
Q What (does {e} earn|is {e} paid) for a day?
Q What is the (pay|wage|salary) of {e}?
Q How high is the daily pay of {e}?
# staff | dept,place,team | people | staff
S {v} work in {e}.
S {e} has a staff of {v}.
S The team of {e} counts {v}.
S {e} employs {v}.
Q How many (people|persons|employees) work in {e}?
Q How (big|large) is the (staff|team) of {e}?
Q How many does {e} employ?
Q What is the number of staff in {e}?
# members | team | people | members
S {e} has {v} as members.
S {v} belong to {e}.
S The number of members of {e} is {v}.
S {e} counts {v}.
Q How many (members|people) does {e} have?
Q How (big|large) is {e}?
Q How many people belong to {e}?
Q What is the number of members of {e}?
# purpose | machine,tool,room,software,object | purpose | purpose
S {e} is (used|meant|there) for {v}.
S The purpose of {e} is {v}.
S We use {e} for {v}.
S {e} serves for {v}.
Q What is {e} (used for|for|meant for|good for)?
Q For what (do we use|is) {e} (used|needed)?
Q What is the purpose of {e}?
Q What can I do with {e}?
Q Why do we have {e}?
# reason | activity | reason | reason
S {e} is (forbidden|not allowed) {v}.
S We do not allow {e} {v}.
S Please avoid {e} {v}.
S {v}, {e} is not possible here.
Q Why is {e} (forbidden|not allowed|banned)?
Q For what reason (is {e} forbidden|should I avoid {e})?
Q What is the reason against {e}?
Q What speaks against {e}?
# whereallowed | activity | location | right place
S {e} is (allowed|permitted) only {v}.
S {e} is only possible {v}.
S The place for {e} is {v}.
S For {e}, go to the spot {v}.
Q Where (is {e} allowed|is {e} permitted|can I do {e})?
Q In which place is {e} (allowed|possible)?
Q Where do I go for {e}?
Q What is the right place for {e}?
# whenallowed | activity,process,machine | time | earliest time
S {e} is allowed from {v} onwards.
S (Before|Earlier than) {v}, {e} is not allowed.
S {e} may start at {v}.
S From {v} on, {e} is (fine|possible|permitted).
Q (From when|From what time|When) is {e} (allowed|permitted|possible)?
Q How early may {e} (begin|start)?
Q At what time can we start with {e}?
Q When does the rule allow {e}?
# power | machine,tool,vehicle | watts | power
S {e} (has a power of|runs with|uses) {v}.
S The power of {e} is {v}.
S {e} draws {v}.
S The motor of {e} gives {v}.
Q (How much power|How many watts) (does {e} have|does {e} need|does {e} draw)?
Q How (strong|powerful) is {e}?
Q What is the power of {e}?
Q What does {e} use in watts?
# battery | machine,tool,vehicle,software | duration | battery life
S The battery of {e} lasts {v}.
S {e} runs for {v} on one charge.
S After {v}, the battery of {e} is empty.
S One charge keeps {e} going for {v}.
Q How long does the battery of {e} last?
Q How long (does {e} run|can I use {e}) on one charge?
Q When is the battery of {e} empty?
Q What is the battery life of {e}?
# charging | machine,tool,vehicle | duration | charging time
S (Charging|To charge) {e} takes {v}.
S The charging time of {e} is {v}.
S {e} is fully charged after {v}.
S {e} needs {v} at the socket.
Q How long does (it take to charge|charging take for) {e}?
Q What is the charging time of {e}?
Q When is {e} (full|fully charged)?
Q For how long does {e} stay plugged in?
# pressure | machine,vehicle,tank | pressure | pressure
S The pressure (in|of) {e} is {v}.
S {e} (works|runs) at {v}.
S Keep {e} at {v}.
S The gauge of {e} should show {v}.
Q (What|Which) pressure (does {e} need|is right for {e})?
Q What should the gauge of {e} show?
Q How high is the pressure (in|of) {e}?
Q At what pressure (does|should) {e} (run|work)?
# load | machine,vehicle,building,tool | weight | maximum load
S The maximum load of {e} is {v}.
S {e} (carries|can carry|bears) up to {v}.
S Do not load {e} with more than {v}.
S {v} is the most that {e} can carry.
Q How much (can {e} carry|may I load on {e}|weight does {e} bear)?
Q What is the (maximum load|load limit) of {e}?
Q With how much may {e} be loaded?
Q What can {e} carry at most?
# serial | machine,software,doc,product | code | number
S The (serial|reference) number of {e} is {v}.
S {e} (has|carries|bears) the number {v}.
S {e} is listed under {v}.
S In the list, {e} has the entry {v}.
Q What is the (serial|reference|list) number of {e}?
Q (Which|What) number (does {e} have|is on {e})?
Q Under what is {e} listed?
Q Where do I find {e} in the list?
# shelf | product,tool,object,doc,material | shelf | shelf
S {e} is on {v}.
S {e} belongs on {v}.
S Put {e} on {v}.
S The place of {e} is {v}.
Q (On which shelf|Where) (is|does) {e} (stored|belong)?
Q (Which|What) shelf is for {e}?
Q Where (do I put|must I put|do I return) {e}?
Q On what shelf can I find {e}?
# supplier | product,material,dish,service | company | supplier
S {v} (supplies|delivers) {e}.
S The supplier of {e} is {v}.
S We (buy|order|get) {e} from {v}.
S {e} is delivered by {v}.
Q Who (supplies|delivers|sells us) {e}?
Q Who is the supplier of {e}?
Q (Where|From whom) do we (buy|order|get) {e}?
Q Which company (supplies|delivers) {e}?
# maker | machine,vehicle,software,tool | company | maker
S {v} (makes|builds|produces) {e}.
S The maker of {e} is {v}.
S {e} is (made|built|produced) by {v}.
S {e} is a product of {v}.
Q Who (makes|builds|produces|made|built) {e}?
Q (Which|What) company (makes|builds|is behind) {e}?
Q Who is the (maker|manufacturer|producer) of {e}?
Q By whom is {e} made?
# painter | artwork | person | artist
S {v} (painted|made|created) {e}.
S {e} is (a work of|by) {v}.
S The artist of {e} is {v}.
S {e} was (painted|created) by {v}.
Q Who (painted|made|created) {e}?
Q Who is the (artist|creator) of {e}?
Q By whom (is|was) {e} (created|made)?
Q Whose work is {e}?
Q Which artist stands behind {e}?
# artyear | artwork | year | year
S {e} was (painted|created|finished) in {v}.
S {e} dates from {v}.
S In {v} {e} was completed.
S The year of {e} is {v}.
Q (When|In which year) was {e} (painted|created|finished|completed)?
Q How old is {e}?
Q From which year does {e} date?
Q What year is {e} from?
# arttheme | artwork | scene | subject
S {e} shows {v}.
S In {e} you (see|can see) {v}.
S The subject of {e} is {v}.
S {e} is a picture of {v}.
Q What (does {e} show|can I see in {e}|is the subject of {e})?
Q What is (in|on) {e}?
Q Of what is {e} a picture?
Q What can be seen in {e}?
# book | room,vehicle,machine,course,service | duration | booking time
S {e} must be booked {v} (ahead|in advance|beforehand).
S Please reserve {e} {v} in advance.
S A reservation for {e} is made {v} ahead.
S Book {e} at least {v} before.
Q How (early|far ahead|long before) must (I|we) (book|reserve) {e}?
Q (How much ahead|When) (should|must) {e} be (booked|reserved)?
Q How long in advance is {e} (booked|reserved)?
Q What time before do I book {e}?
# bookwith | room,vehicle,course,service,ticket | where2 | booking
S {e} is booked {v}.
S (Book|Reserve|Order) {e} {v}.
S You can (book|order|get) {e} {v}.
S Bookings for {e} are taken {v}.
Q (Where|How) (can I book|do I reserve|do I get|can I order) {e}?
Q (Where|How) is {e} booked?
Q Where are bookings for {e} taken?
Q What must I do to (get|book|reserve) {e}?
# report | process,activity,object,illness | where2 | report
S {e} (is|must be) reported {v}.
S (Please report|Report) {e} {v}.
S Tell us about {e} {v}.
S News of {e} is taken {v}.
Q (Where|How) (do I|must I|can I) report {e}?
Q Where (is|should) {e} (reported|be reported)?
Q What do I do in case of {e}?
Q Whom do I tell about {e}?
# breaktime | role,dept,shift | duration | break
S The break of {e} (lasts|is) {v}.
S {e} (has|gets) a break of {v}.
S {e} may rest for {v}.
S A pause of {v} is planned for {e}.
Q How long is the (break|pause) of {e}?
Q How long may {e} rest?
Q What break does {e} (get|have)?
Q How much time (is there|does {e} have) for a break?
# group | course,event,ticket,activity | people | group size
S The group for {e} has {v} at most.
S {e} is limited to {v}.
S At most {v} can (join|take part in) {e}.
S {e} has places for {v}.
Q How (many|large a group) can (join|take part in) {e}?
Q What is the (group size|largest group) for {e}?
Q How many (places|people) (are there for|are allowed in) {e}?
Q For how many people are there places in {e}?
# minpeople | course,event,service | people | minimum number
S {e} needs at least {v}.
S {e} takes place from {v} on.
S The minimum number for {e} is {v}.
S With fewer than {v}, {e} is cancelled.
Q How many (people|persons) (does {e} need|are needed for {e})?
Q What is the minimum number for {e}?
Q From how many (people|persons) does {e} take place?
Q When is {e} cancelled for lack of people?
# wear | role,machine,room,activity | wear | clothing
S For {e} you wear {v}.
S {v} must be worn for {e}.
S Please wear {v} for {e}.
S {e} is only allowed with {v}.
Q What (must I wear|do I wear|should I put on) for {e}?
Q (What|Which) (clothing|clothes|gear) (is needed|do I need) for {e}?
Q What must be worn for {e}?
Q How do I dress for {e}?
# language | course,event,software,person | language | language
S {e} is (given|available) in {v}.
S The language of {e} is {v}.
S {e} speaks {v}.
S You hear {v} in {e}.
Q (What|Which) language (is|belongs to) {e} (in|given in)?
Q What is the language of {e}?
Q In (which|what) language is {e}?
Q Which language do I need for {e}?
# bus | place,building,event | busline | bus
S {v} (goes|runs|takes you) to {e}.
S Take {v} to {e}.
S You reach {e} with {v}.
S To get to {e}, (use|take|catch) {v}.
Q (Which|What) (bus|line) (goes to|takes me to|stops at) {e}?
Q How do I (get to|reach) {e}?
Q With what can I travel to {e}?
Q What (line|transport) do I take to {e}?
# parking | place,building,dept | location | parking
S Parking for {e} is {v}.
S You can park for {e} {v}.
S The car park of {e} is {v}.
S Cars for {e} are left {v}.
Q Where (can I park|do I park|is the parking) for {e}?
Q Where do I leave my car for {e}?
Q Where is the car park of {e}?
Q What is the parking place of {e}?
# website | place,event,software,team | code2 | short name
S The short name of {e} is {v}.
S {e} is called {v} for short.
S In lists, {e} appears as {v}.
S We write {v} for {e}.
Q What is the (short name|abbreviation) of {e}?
Q How is {e} called for short?
Q (What|Which) letters stand for {e}?
Q How does {e} appear in lists?
# nickname | person,machine,animal,building | nickname | nickname
S The nickname of {e} is {v}.
S Everybody calls {e} {v}.
S {e} is known as {v}.
S Among friends, {e} is called {v}.
Q What is the nickname of {e}?
Q (What|How) do people call {e}?
Q Under which name is {e} known?
Q What (other|second) name does {e} have?
# key | room,building,machine,vehicle | where2 | key
S The key (to|for) {e} is kept {v}.
S You get the key (to|for) {e} {v}.
S (Collect|Fetch) the key (to|for) {e} {v}.
S The key of {e} hangs {v}.
Q Where (is|do I get|can I find|do I fetch) the key (to|for|of) {e}?
Q Who has the key to {e}?
Q Where does the key of {e} hang?
Q How do I get into {e}?
# payment | ticket,service,product,course | payment | payment
S {e} is paid {v}.
S Please pay for {e} {v}.
S Payment for {e} is made {v}.
S For {e} you pay {v} only.
Q How (do I pay for|is|can I pay for) {e}?
Q What (kind|way) of payment is (possible|accepted) for {e}?
Q How is payment made for {e}?
Q In what way must {e} be paid?
# payday | role,dept,person | date2 | pay day
S {e} is paid on {v}.
S The pay day of {e} is {v}.
S On {v}, {e} gets the money.
S Wages for {e} arrive on {v}.
Q When (is {e} paid|does {e} get the money|do the wages for {e} arrive)?
Q On (which|what) day is {e} paid?
Q What is the pay day of {e}?
Q What day does {e} receive wages?
# delivery | product,service,material | duration2 | delivery time
S {e} is delivered within {v}.
S The delivery time for {e} is {v}.
S {e} arrives after {v}.
S Delivery of {e} takes {v}.
Q How long does (delivery of|it take to deliver) {e}?
Q When (does {e} arrive|is {e} delivered)?
Q What is the delivery time (of|for) {e}?
Q How soon will {e} (come|arrive|be here)?
# retention | doc,software,object | period | keeping time
S {e} is (kept|stored|archived) for {v}.
S We keep {e} for {v}.
S After {v}, {e} is (deleted|destroyed).
S {e} stays in the archive for {v}.
Q How long is {e} (kept|stored|archived)?
Q When is {e} (deleted|destroyed|thrown away)?
Q How long (do we|must we) keep {e}?
Q For what time does {e} stay in the archive?
# version | software | version | version
S The current version of {e} is {v}.
S {e} is installed in version {v}.
S We use version {v} of {e}.
S {e} has reached version {v}.
Q (Which|What) version of {e} (do we use|is installed|is current)?
Q What is the (current|latest) version of {e}?
Q How new is {e}?
Q In which version is {e} installed?
# backup | software | time | backup
S The backup of {e} runs at {v}.
S {e} is saved at {v} every night.
S Every day at {v}, {e} makes a backup.
S A copy of {e} is taken at {v}.
Q When (does the backup of {e} run|is {e} saved|is {e} backed up)?
Q At what time (does|is) {e} (make a backup|copied)?
Q When is a copy of {e} taken?
Q What is the backup time of {e}?
# filesize | software,doc | filesize | file limit
S The largest file for {e} is {v}.
S {e} takes files of up to {v}.
S Files for {e} may have {v} at most.
S No file larger than {v} goes into {e}.
Q How (big|large) may (a file|files) for {e} be?
Q What is the (file limit|largest file) for {e}?
Q (What|Which) file size (does {e} take|is allowed in {e})?
Q How many megabytes are allowed in {e}?
# wait | service,doc,process | duration2 | waiting time
S The waiting time for {e} is {v}.
S {e} takes {v} to be processed.
S You wait {v} for {e}.
S Reckon with {v} until {e} is ready.
Q How long (do I wait|must one wait) for {e}?
Q What is the waiting time for {e}?
Q (When|How soon) (will|is) {e} (be ready|ready)?
Q How long does it take until {e} is ready?
# signal | event,process,machine | signal | signal
S The signal for {e} is {v}.
S {v} means {e}.
S {e} is announced by {v}.
S When you hear or see {v}, it is time for {e}.
Q What is the signal for {e}?
Q How do I (notice|recognise) {e}?
Q By what is {e} announced?
Q Which (sign|signal) tells me about {e}?
# count | room,place,building,vehicle | countthing | equipment
S There are {v} in {e}.
S {e} has {v}.
S {e} is equipped with {v}.
S In {e} you find {v}.
Q What (is there in|does {e} have|do I find in) {e}?
Q With what is {e} equipped?
Q What equipment (does {e} have|is in {e})?
Q What can I expect in {e}?
# size | room,place,building | area | size
S {e} (covers|measures|has) {v}.
S The (area|size) of {e} is {v}.
S {e} has an area of {v}.
S {v} is the size of {e}.
Q How (big|large) is {e}?
Q What (is the area|is the size) of {e}?
Q How many square metres does {e} have?
Q What area does {e} cover?
# width | room,object,building,vehicle | length | width
S {e} is {v} wide.
S The width of {e} is {v}.
S {e} measures {v} across.
S From side to side, {e} measures {v}.
Q How (wide|broad) is {e}?
Q What is the width of {e}?
Q What does {e} measure from side to side?
Q How many metres is {e} across?
# season | place,activity,event,dish | season | season
S {e} is (offered|available|open) {v}.
S You (get|find) {e} {v}.
S {v}, {e} is on the programme.
S The season for {e} is {v}.
Q (When|In which season) (is {e} available|is {e} offered|can I have {e})?
Q What is the season for {e}?
Q In which part of the year is there {e}?
Q At what time of the year (is there|do you offer) {e}?
# free | ticket,service,place,activity | whofree | free entry
S {e} is free for {v}.
S {v} pay nothing for {e}.
S There is no charge on {e} for {v}.
S {e} costs {v} nothing.
Q (For whom|For which people) is {e} free?
Q Who (pays nothing|does not pay|need not pay) for {e}?
Q Who gets {e} (for free|without paying)?
Q For whom is there no charge on {e}?
# includes | ticket,service,course | includes | extras
S {e} includes {v}.
S {v} is included in {e}.
S With {e} you also get {v}.
S Part of {e} is {v}.
Q What (is included in|comes with|belongs to) {e}?
Q What (else|more) do I get with {e}?
Q What does {e} include?
Q What is part of {e}?
# lost | object,product,doc | where2 | loss
S If {e} is lost, ask {v}.
S A lost item such as {e} is handed in {v}.
S Whoever finds {e} brings it {v}.
S When {e} goes missing, (go|turn|ask) {v}.
Q What (do I do|can I do) if {e} is (lost|missing|gone)?
Q Where do I hand in {e} when I find it?
Q I have lost {e}: where do I (ask|go)?
Q Where are finds such as {e} brought?
# replace | machine,object,tool | frequency | replacement
S {e} is replaced {v}.
S We (change|replace|renew) {e} {v}.
S {v}, {e} has to be (changed|renewed).
S A new one takes the place of {e} {v}.
Q How often (is {e} replaced|must {e} be changed|do we renew {e})?
Q When is {e} (replaced|renewed|exchanged)?
Q At what intervals do we (change|replace|exchange) {e}?
Q How frequently do you need a new one for {e}?
# noise | machine,vehicle,event,place | decibel | noise
S {e} makes a noise of {v}.
S The noise of {e} is {v}.
S {e} reaches {v}.
S At {e} the sound level is {v}.
Q How (loud|noisy) is {e}?
Q (What|Which) noise (level|) does {e} (make|reach)?
Q How much noise does {e} make?
Q What is the sound level of {e}?
# dose | material,dish,plant | dose | amount
S The (dose|amount) of {e} is {v}.
S Use {v} for {e}.
S {e} needs {v}.
S We measure out {v} for {e}.
Q How much (do I use|is needed|do we measure out) for {e}?
Q What (amount|dose) (is right|do I take) for {e}?
Q What quantity does {e} need?
Q (How many grams|What amount) are used for {e}?
# winner | event | person | winner
S {v} won {e}.
S The winner of {e} was {v}.
S {e} was won by {v}.
S First place in {e} went to {v}.
Q Who won {e}?
Q Who was (the winner of|first in|best in) {e}?
Q By whom was {e} won?
Q (To whom did|Who took) first place in {e} go?
# prize | event,activity | prize | prize
S The prize for {e} is {v}.
S Whoever wins {e} gets {v}.
S {v} can be won at {e}.
S The winner of {e} goes home with {v}.
Q What (is the prize for|can I win at|does the winner of) {e} (get|offer)?
Q What is the prize (for|of) {e}?
Q What (can|do) you win at {e}?
Q What does the best person at {e} receive?
"""
