"""English word lists of the corpus: domains, names, general words.

Every list is written for this project. A domain line reads
``roles / places / things / verbs / adjectives``; a verb is given as
``base past`` (``check checked``), nouns in the singular.
"""
from pathlib import Path

DOMAINS = {
    "office": (
        "clerk,accountant,manager,secretary,assistant,director,receptionist,trainee,lawyer,consultant,auditor,colleague,typist,supervisor,intern",
        "office,corridor,meeting room,archive,mail room,reception,copy room,open-plan area,lobby,break room,basement store,conference hall",
        "desk,printer,folder,letter,contract,invoice,keyboard,screen,laptop,calendar,envelope,stamp,form,report,receipt,budget,stapler,notebook,drawer,chair,lamp,telephone,badge,parcel,memo,agenda,spreadsheet,cable,headset,whiteboard,marker,shredder,projector,business card,application,signature,timesheet,payslip,expense claim,address book,paper clip,file cabinet,swivel chair,coffee machine,water dispenser,name plate",
        "sign signed,file filed,copy copied,print printed,send sent,approve approved,check checked,sort sorted,scan scanned,stamp stamped,archive archived,shred shredded,fill in filled in,hand in handed in,return returned,update updated,prepare prepared,forward forwarded,review reviewed,correct corrected,staple stapled,register registered,collect collected,submit submitted,draft drafted",
        "monthly,yearly,urgent,confidential,internal,blank,signed,official,missing,overdue,final,preliminary,electronic,printed,personal"),
    "museum": (
        "curator,guide,guard,restorer,visitor,photographer,painter,collector,historian,cashier,volunteer,donor,archivist,cleaner",
        "gallery,foyer,cloakroom,ticket desk,storage vault,sculpture court,reading room,museum shop,exhibition hall,workshop,planetarium,terrace,upper gallery",
        "painting,statue,vase,coin,mask,map,model ship,portrait,tapestry,fossil,skeleton,sword,crown,frame,glass case,audio guide,brochure,poster,ticket,locker,engraving,manuscript,mosaic,pot,carpet,lantern,anchor,compass,telescope,mummy,meteorite,medal,drawing,photograph,costume,helmet,shield,globe,clock,music box,figurehead,loan item",
        "show showed,restore restored,hang hung,light lit,guard guarded,dust dusted,photograph photographed,label labelled,lend lent,insure insured,measure measured,catalogue catalogued,unpack unpacked,display displayed,touch touched,describe described,date dated,frame framed,explain explained,borrow borrowed",
        "ancient,rare,valuable,fragile,famous,golden,wooden,painted,carved,medieval,modern,permanent,temporary,original,restored"),
    "factory": (
        "foreman,welder,fitter,engineer,operator,mechanic,electrician,inspector,packer,forklift driver,shift leader,planner,storekeeper,apprentice",
        "assembly hall,loading bay,paint shop,tool store,warehouse,control room,boiler house,test bench,changing room,dispatch area,foundry,yard,machine hall",
        "valve,pump,motor,belt,gear,bearing,bolt,nut,spring,panel,sensor,switch,fuse,pipe,filter,tank,crane,pallet,crate,drill,lathe,press,conveyor,robot arm,gasket,hose,lever,nozzle,piston,boiler,compressor,generator,turbine,gauge,forklift,welding mask,earplug,glove,safety barrier,emergency stop,spare part,oil can,chain hoist,cutting disc,control panel,cooling fan,steel sheet,casing",
        "repair repaired,oil oiled,tighten tightened,replace replaced,weld welded,assemble assembled,test tested,lift lifted,paint painted,load loaded,adjust adjusted,drill drilled,inspect inspected,grind ground,mount mounted,switch on switched on,switch off switched off,cool cooled,clean cleaned,lubricate lubricated,calibrate calibrated,polish polished,pack packed,lower lowered,dismantle dismantled",
        "heavy,rusty,steel,hydraulic,electric,worn,loose,faulty,spare,automatic,manual,noisy,hot,oily,broken"),
    "farm": (
        "farmer,shepherd,vet,milker,beekeeper,miller,farmhand,tractor driver,neighbour,cheesemaker,breeder,fruit picker",
        "barn,stable,field,meadow,orchard,hen house,dairy,hay loft,pasture,vineyard,pond,silo,greenhouse",
        "cow,goat,sheep,pig,hen,horse,donkey,calf,lamb,tractor,plough,bucket,fence,gate,hay bale,sack of grain,milk churn,beehive,egg,apple,pear,plum,pumpkin,potato,carrot,cabbage,harvester,trailer,pitchfork,saddle,trough,wheelbarrow,seed drill,milking machine,fleece,sprinkler,scarecrow,cherry tree,field of wheat,row of beans,honey jar,cheese wheel",
        "feed fed,milk milked,water watered,plant planted,harvest harvested,plough ploughed,sell sold,weigh weighed,brush brushed,shear sheared,pick picked,store stored,sow sowed,fence in fenced in,lead led,wash washed,count counted,vaccinate vaccinated,shelter sheltered,mow mowed",
        "young,ripe,muddy,brown,spotted,hungry,fresh,healthy,tame,stubborn,woolly,fertile,dry,organic,early"),
    "ship": (
        "captain,sailor,cook,first mate,deckhand,stoker,pilot,harbour master,passenger,fisherman,diver,ship's doctor,navigator,steward",
        "bridge,deck,cabin,engine room,galley,hold,quay,harbour,lighthouse,dry dock,wheelhouse,mess,jetty,ferry terminal",
        "anchor,rope,sail,lifeboat,life jacket,net,mast,rudder,propeller,chart,radio,flare,buoy,container,hatch,ladder,lifebelt,fishing rod,barrel,bell,winch,hull,gangway,porthole,oar,foghorn,signal flag,log book,radar,bilge pump,mooring line,fender,fish box,searchlight,ballast tank,first-aid box,hammock,pennant",
        "hoist hoisted,lower lowered,tie tied,untie untied,steer steered,launch launched,haul hauled,scrub scrubbed,unload unloaded,secure secured,raise raised,inspect inspected,mend mended,follow followed,drop dropped,board boarded,paint painted,signal signalled,stow stowed,salvage salvaged",
        "wet,salty,long,narrow,strong,inflatable,tarred,seaworthy,northern,calm,stormy,sunken,orange,waterproof,foreign"),
    "school": (
        "teacher,pupil,student,headteacher,caretaker,librarian,tutor,examiner,school nurse,parent,coach,substitute teacher,lecturer,professor",
        "classroom,playground,gym,school hall,staff room,canteen,science lab,music room,computer room,corridor,library,school garden,lecture theatre",
        "book,pencil,ruler,blackboard,timetable,exercise,exam,homework,school bag,report card,crayon,dictionary,atlas,essay,poem,equation,lesson,textbook,pen,eraser,glue stick,paintbrush,microscope,bicycle stand,notice board,worksheet,certificate,diploma,quiz,project,lunch box,bell,chalk,sports kit,permission slip,grade,seating plan,calculator,recorder,chess set",
        "read read,write wrote,learn learned,teach taught,mark marked,draw drew,solve solved,explain explained,repeat repeated,spell spelled,study studied,finish finished,forget forgot,present presented,hand out handed out,practise practised,discuss discussed,answer answered,copy copied,memorise memorised",
        "difficult,easy,weekly,written,oral,annual,first,second,new,boring,exciting,clever,quiet,half-finished,advanced"),
    "lab": (
        "scientist,chemist,technician,researcher,biologist,physicist,lab assistant,safety officer,analyst,doctoral student,pharmacist",
        "laboratory,cold room,clean room,fume cupboard,balance room,microscope room,chemical store,washing room,incubator room,observatory",
        "sample,beaker,flask,test tube,pipette,scale,centrifuge,thermometer,acid,solvent,powder,crystal,culture,slide,lens,laser,magnet,gas cylinder,goggles,lab coat,burner,dish,reagent,protocol,incubator,fume hood,eye wash,balance,freezer,syringe,battery,solution,spectrum,label printer,safety sheet,waste container,magnetic stirrer,vacuum pump",
        "mix mixed,heat heated,cool cooled,stir stirred,weigh weighed,measure measured,filter filtered,dilute diluted,freeze froze,label labelled,pour poured,record recorded,observe observed,rinse rinsed,seal sealed,shake shook,analyse analysed,dissolve dissolved,dispose of disposed of,sterilise sterilised",
        "toxic,sterile,clear,liquid,solid,frozen,pure,acidic,flammable,sensitive,precise,diluted,sealed,transparent,magnetic"),
    "kitchen": (
        "cook,baker,waiter,chef,dishwasher,butcher,pastry chef,guest,barista,kitchen porter,head waiter,apprentice cook,caterer",
        "kitchen,dining room,pantry,cold store,bakery,bar,terrace,wine cellar,serving counter,scullery,food court,tea room",
        "pan,pot,knife,spoon,fork,plate,bowl,oven,whisk,tray,loaf,cake,soup,sauce,salad,pie,omelette,stew,dough,roll,pancake,bottle,jug,apron,cup,glass,napkin,tablecloth,recipe,menu,fridge,toaster,kettle,grater,sieve,rolling pin,chopping board,ladle,mixer,tart,biscuit,pudding,onion,tomato,lemon,fillet,dumpling,jam jar,butter dish,spice rack,tea pot",
        "bake baked,boil boiled,fry fried,chop chopped,slice sliced,serve served,taste tasted,peel peeled,knead kneaded,roast roasted,grill grilled,season seasoned,wash washed,dry dried,warm warmed,decorate decorated,order ordered,cover covered,whip whipped,grate grated,steam steamed,garnish garnished",
        "sweet,sour,spicy,crisp,warm,raw,vegetarian,home-made,delicious,bitter,creamy,smoked,fresh,thick,sharp"),
    "workshop": (
        "carpenter,joiner,locksmith,plumber,tailor,shoemaker,potter,glazier,roofer,master craftsman,apprentice,blacksmith,upholsterer,watchmaker",
        "workshop,shed,yard,wood store,paint room,forge,back room,garage,sales room,drying room,attic",
        "hammer,saw,screwdriver,nail,screw,plank,chisel,file,pair of pliers,spanner,vice,workbench,ladder,tape measure,spirit level,brush,tin of paint,sandpaper,hinge,lock,key,door,window,table,shelf,chest,bench,needle,thread,boot,zip,cushion,tile,brick,kiln,anvil,plane,clamp,axe,toolbox,glue pot,dust mask,extension lead,stool,cradle,mould",
        "saw sawed,plane planed,glue glued,sand sanded,nail nailed,screw screwed,sharpen sharpened,varnish varnished,cut cut,bend bent,carve carved,sew sewed,hem hemmed,mend mended,build built,fix fixed,fit fitted,clamp clamped,measure measured,oil oiled,forge forged,glaze glazed",
        "blunt,sharp,oak,pine,leather,rough,smooth,crooked,solid,handmade,cordless,sturdy,tiny,antique,bent"),
    "sport": (
        "trainer,goalkeeper,referee,swimmer,runner,captain,player,member,treasurer,climber,cyclist,rower,gymnast,lifeguard,spectator,umpire",
        "stadium,sports hall,clubhouse,swimming pool,tennis court,changing room,football pitch,running track,boathouse,climbing wall,ice rink,fitness room",
        "ball,racket,net,jersey,whistle,medal,trophy,boat,bicycle,helmet,mat,rope,stopwatch,score board,goal,bat,ski,skate,paddle,swimsuit,towel,membership card,locker key,tournament,match,race,training plan,first-aid kit,weight,bench,jump rope,flag,starting block,bow,arrow,fencing mask,wetsuit,harness",
        "win won,lose lost,throw threw,catch caught,kick kicked,hit hit,train trained,pass passed,score scored,inflate inflated,return returned,time timed,cheer cheered,organise organised,join joined,hire hired,book booked,mark out marked out,watch watched,carry carried",
        "fast,tired,junior,senior,national,local,friendly,muddy,indoor,outdoor,winning,sporty,fair,brave,fit"),
    "hospital": (
        "doctor,nurse,patient,surgeon,midwife,dentist,therapist,paramedic,porter,visitor,head nurse,radiologist,pharmacist,carer",
        "ward,operating theatre,waiting room,emergency department,pharmacy,X-ray room,maternity ward,chapel,ambulance bay,laundry,day clinic,delivery room",
        "bandage,pill,syringe,bed,wheelchair,stretcher,thermometer,prescription,X-ray,patient file,plaster,crutch,mask,gown,ointment,drip,stethoscope,ambulance,tray,blanket,pillow,vaccine,insulin pen,call button,wristband,blood sample,hearing aid,pair of glasses,cough syrup,pressure gauge,care plan,visitor pass,disinfectant,oxygen bottle,scalpel",
        "treat treated,examine examined,bandage bandaged,wash washed,lift lifted,wake woke,calm calmed,disinfect disinfected,prescribe prescribed,measure measured,operate operated,transport transported,admit admitted,discharge discharged,comfort comforted,change changed,monitor monitored,refill refilled,warm warmed,wheel wheeled",
        "sick,painful,clean,sterile,private,gentle,swollen,elderly,pale,feverish,careful,medical,daily,worried,broken"),
    "library": (
        "librarian,reader,author,publisher,translator,bookbinder,borrower,storyteller,student,poet,journalist,editor",
        "reading room,children's corner,stacks,lending desk,study room,newspaper lounge,archive,returns counter,map room,listening booth",
        "book,novel,magazine,newspaper,comic,catalogue,library card,bookmark,shelf,audio book,dictionary,biography,map,microfilm,return box,trolley,reading lamp,encyclopedia,travel guide,picture book,cookbook,diary,volume,journal,film,record,barcode,reminder,index card,fairy tale,short story,chapter,cover,e-reader,reservation slip",
        "borrow borrowed,return returned,lend lent,reserve reserved,renew renewed,shelve shelved,read read,recommend recommended,search for searched for,translate translated,publish published,bind bound,index indexed,browse browsed,repair repaired,scan scanned,buy bought,lose lost,request requested,quote quoted",
        "thick,thin,quiet,borrowed,illustrated,foreign,historical,popular,dusty,used,reserved,torn,printed,digital,lost"),
    "hotel": (
        "porter,receptionist,maid,guest,night porter,manager,concierge,tourist,chauffeur,bellboy,housekeeper,bartender,tour guide,traveller",
        "lobby,breakfast room,spa,sauna,suite,car park,roof terrace,ballroom,garage,luggage room,bar,swimming area,front desk",
        "room key,suitcase,towel,bed,pillow,bathrobe,mirror,bill,minibar,safe,alarm clock,lift,balcony,breakfast tray,newspaper,shuttle bus,taxi,voucher,booking,passport,hairdryer,slipper,curtain,heater,bathtub,shower,soap,umbrella,luggage trolley,guest book,tip,travel cot,sheet,laundry bag,key card,city map",
        "book booked,cancel cancelled,pay paid,carry carried,clean cleaned,iron ironed,welcome welcomed,wake woke,serve served,park parked,order ordered,change changed,reserve reserved,lock locked,unlock unlocked,vacuum vacuumed,recommend recommended,confirm confirmed,fold folded,greet greeted",
        "comfortable,double,single,quiet,spacious,late,polite,luxurious,cheap,free,noisy,fluffy,elegant,upper,heated"),
    "garden": (
        "gardener,florist,landscaper,forester,tree surgeon,botanist,park keeper,ranger,neighbour,volunteer,composter",
        "greenhouse,flower bed,lawn,rose garden,herb garden,compost heap,tool shed,nursery,park,forest,hedge,rock garden,pond",
        "rose,tulip,daisy,lily,fern,oak,birch,maple,bush,seed,bulb,spade,rake,hose,watering can,lawn mower,hedge trimmer,pot,bird box,bench,ivy,moss,sunflower,lavender,basil,mint,strawberry,raspberry,cucumber,lettuce,snail,hedgehog,butterfly,frog,squirrel,blackbird,leaf,root,branch,flower,mushroom,trellis,fountain,sundial,pair of secateurs",
        "water watered,prune pruned,plant planted,dig up dug up,rake raked,weed weeded,mow mowed,trim trimmed,sow sowed,transplant transplanted,fertilise fertilised,pick picked,cut cut,shade shaded,mulch mulched,admire admired,protect protected,smell smelled,spray sprayed,repot repotted",
        "green,blooming,wild,thorny,tall,fragrant,shady,evergreen,sunny,climbing,tender,withered,damp,leafy,colourful"),
    "software": (
        "developer,tester,administrator,designer,user,product owner,support agent,programmer,customer,data analyst,team lead,hacker",
        "server room,data centre,help desk,office,test lab,cloud,meeting room,home office,training room",
        "password,account,server,database,backup,file,folder,window,button,menu,update,error message,network,router,website,email,log file,login page,app,program,script,ticket,version,release,bug,feature,search field,shortcut,icon,cursor,table,chart,form,link,download,upload,interface,firewall,certificate,user name,setting,dashboard,notification,cookie,profile,API key,test case,dark mode,printer driver",
        "install installed,delete deleted,save saved,open opened,close closed,click clicked,copy copied,restart restarted,update updated,download downloaded,upload uploaded,encrypt encrypted,rename renamed,restore restored,test tested,block blocked,share shared,import imported,export exported,configure configured,debug debugged,start started,stop stopped,reset reset,merge merged",
        "slow,secure,new,outdated,hidden,open,encrypted,empty,shared,daily,broken,beta,remote,public,wrong"),
    "transport": (
        "driver,conductor,passenger,pilot,commuter,dispatcher,ticket inspector,cyclist,courier,train driver,mechanic,tram driver,pedestrian",
        "station,platform,bus stop,airport,depot,ticket office,waiting room,tunnel,bridge,motorway,crossroads,parking area,departure lounge",
        "train,bus,tram,ferry,bicycle,scooter,lorry,van,car,plane,helicopter,ticket,timetable,seat,luggage rack,wheel,brake,tyre,headlight,seat belt,mirror,engine,map,traffic light,road sign,fuel pump,charging cable,parcel,trailer,handlebar,pedal,bell,pump,chain,windscreen,number plate,licence,toll,detour,first-class coach,tandem,roof box",
        "drive drove,park parked,miss missed,catch caught,load loaded,unload unloaded,stop stopped,board boarded,refuel refuelled,charge charged,tow towed,deliver delivered,inspect inspected,punch punched,wave to waved to,repair repaired,rent rented,ride rode,cross crossed,clean cleaned",
        "delayed,crowded,early,late,empty,express,regional,electric,red,yellow,reliable,direct,folding,slippery,busy"),
    "shop": (
        "shop assistant,customer,cashier,buyer,store manager,delivery driver,florist,jeweller,grocer,fishmonger,window dresser,wholesaler",
        "shop,supermarket,market hall,counter,stockroom,fitting room,checkout,shop window,shopping centre,kiosk,loading ramp",
        "basket,receipt,coat,shirt,dress,hat,scarf,sock,belt,ring,necklace,watch,toy,doll,puzzle,candle,gift card,loyalty card,discount,price tag,bag,box,coin,banknote,credit card,till,shelf,mannequin,catalogue,perfume,soap,bread,cheese,sausage,wine,bar of chocolate,magazine,lamp,rug,curtain,umbrella,wallet,pair of shoes,special offer",
        "buy bought,sell sold,try on tried on,wrap wrapped,exchange exchanged,return returned,pay for paid for,order ordered,weigh weighed,count counted,reduce reduced,stack stacked,advertise advertised,deliver delivered,choose chose,compare compared,label labelled,reserve reserved,unpack unpacked,bring brought",
        "cheap,expensive,new,second-hand,pretty,fashionable,cotton,silk,silver,popular,large,small,blue,reduced,imported"),
    "safety": (
        "fire warden,first aider,safety officer,security guard,inspector,firefighter,police officer,rescue worker,visitor,contractor,emergency doctor",
        "assembly point,stairwell,emergency exit,guard house,control room,entrance,fire door,evacuation route,first-aid room,roof,basement",
        "fire extinguisher,alarm,smoke detector,helmet,safety vest,first-aid kit,sprinkler,emergency light,evacuation plan,warning sign,key,lock,camera,fence,barrier,hydrant,rescue ladder,safety shoe,fire blanket,whistle,torch,ear protection,harness,visitor badge,accident report,risk assessment,drill,defibrillator,hazard,handrail,warning tape,leak,spill,chemical drum",
        "evacuate evacuated,report reported,check checked,wear wore,test tested,lock locked,close closed,block blocked,clear cleared,warn warned,rescue rescued,extinguish extinguished,secure secured,inspect inspected,train trained,keep clear kept clear,mark marked,ring rang,avoid avoided,call called",
        "dangerous,safe,emergency,loud,fireproof,illuminated,slippery,reflective,compulsory,forbidden,tested,damaged,yellow,unlocked,serious"),
    "home": (
        "mother,father,brother,sister,grandmother,grandfather,aunt,uncle,cousin,neighbour,tenant,landlord,babysitter,friend,child",
        "kitchen,bathroom,bedroom,living room,cellar,attic,hallway,balcony,garage,garden,laundry room,staircase",
        "sofa,bed,wardrobe,washing machine,vacuum cleaner,blanket,carpet,lamp,clock,radio,television,picture,vase,cat,dog,parrot,goldfish,rabbit,toothbrush,comb,towel,broom,bucket,duster,iron,doorbell,letter box,rent,heating bill,light bulb,plug,birthday cake,present,toy train,photo album,puzzle,guitar,piano,violin,fireplace,candlestick,door mat,dustbin,clothes line",
        "clean cleaned,tidy up tidied up,wash washed,iron ironed,hide hid,find found,lose lost,open opened,close closed,break broke,mend mended,buy bought,give gave,borrow borrowed,paint painted,move moved,sell sold,fold folded,feed fed,play played",
        "cosy,warm,old,new,broken,soft,dirty,favourite,little,big,lovely,round,square,striped,cracked"),
    "nature": (
        "hiker,ranger,explorer,geologist,hunter,bird watcher,mountain guide,scout,camper,fisher,climber,traveller",
        "mountain,valley,river,lake,beach,island,forest,desert,cave,waterfall,glacier,moor,cliff,meadow,camp site",
        "fox,deer,wolf,bear,eagle,owl,heron,otter,badger,salmon,trout,beetle,bee,spider,stone,shell,feather,nest,footprint,path,tent,sleeping bag,rucksack,camp fire,map,compass,water bottle,hut,bridge,signpost,rope,pair of binoculars,pine cone,berry,storm,rainbow,star,cloud,sunset,spring,log,canoe",
        "see saw,hear heard,follow followed,climb climbed,cross crossed,find found,watch watched,photograph photographed,draw drew,gather gathered,light lit,put up put up,reach reached,leave left,discover discovered,protect protected,feed fed,track tracked,count counted,describe described",
        "high,deep,cold,wild,grey,rocky,narrow,lonely,beautiful,steep,frozen,misty,silent,distant,bright"),
}

FIRST = ("Anna Ben Clara David Ella Finn Greta Hugo Ida Jonas Karin Leo Mara Nils Olga Paul Quinn Rosa Sam Tara Ugo Vera Will Yara Zoe Adam Bella Carl Dora Emil "
         "Fiona Gus Hanna Ivan Jane Kurt Lena Max Nora Oscar Petra Ralf Sofia Tom Una Victor Wanda Xenia Yusuf Zara Alice Boris Celia Dylan Edith Frank Gina Harry "
         "Iris Jack Kate Liam Mila Noah Olive Pia Rick Stella Theo Ursula Vince Amir Bianca Cyril Daria Elias Farah George Helen Ines Jules Kim Lars Mona Nadia Otto "
         "Priya Ruth Simon Tina Uma Viola Walter Yvonne Aaron Beth Chris Della Erik Flora Gavin Hilda Ismail Joan Kevin Linda Martin Nina").split()

ADVERBS = ("quickly slowly carefully quietly loudly happily sadly gently firmly early late often sometimes always never usually again soon finally suddenly "
           "immediately calmly politely proudly nervously patiently eagerly secretly easily barely almost together alone twice once properly thoroughly regularly rarely "
           "briefly neatly safely bravely kindly honestly seriously cheerfully silently steadily").split()

FEELINGS = ("happy sad tired angry proud nervous surprised calm bored curious grateful worried excited lonely relieved hungry thirsty cold warm ashamed jealous hopeful "
            "confused satisfied scared cheerful disappointed amused impatient busy").split()

WEATHER = ("sunny rainy windy foggy stormy snowy cloudy warm cold icy humid mild dry hot grey bright").split()

COLOURS = ("red blue green yellow black white grey brown orange purple pink silver golden turquoise beige violet dark-blue light-green crimson cream navy olive bronze").split()

MATERIALS = ("oak pine steel aluminium copper brass glass plastic rubber leather cotton wool silk linen bamboo granite marble clay concrete paper cardboard cork nylon "
             "titanium bronze porcelain felt canvas slate walnut beech").split()

INGREDIENTS = ("flour sugar butter milk cream eggs salt pepper yeast honey cinnamon ginger garlic onions leeks carrots potatoes tomatoes peas beans lentils rice noodles "
               "cheese yoghurt apples pears plums cherries lemons oranges raisins almonds walnuts hazelnuts chocolate vanilla mint basil parsley thyme rosemary mustard "
               "vinegar olive-oil mushrooms spinach pumpkin celery cabbage salmon trout chicken beef ham oats rye barley poppy-seeds coconut figs dates").replace("-", " ").split(" ")

DOCUMENTS = ("an identity card;a passport;a driving licence;a birth certificate;a medical certificate;a signed form;proof of address;a copy of the contract;a student card;"
             "a health card;a letter of recommendation;a recent photograph;a bank statement;a safety certificate;a tax number;the original receipt;a membership card;"
             "a written request;a police report;a work permit;the order number;a residence permit;proof of insurance;a first-aid certificate;two references;the warranty card;"
             "a signed consent form;the booking confirmation;a vaccination record;a visitor badge").split(";")

TOOLS = ("a torx screwdriver;a rubber mallet;a torque wrench;a hex key;a soft brush;a damp cloth;a wire brush;a pair of tweezers;a heat gun;a plastic scraper;a vacuum cleaner;"
         "a microfibre cloth;a grease gun;a bench vice;a magnifying glass;a spirit level;a feeler gauge;a pipe wrench;an oil can;a hacksaw;a pry bar;a soldering iron;a tape measure;"
         "a hand pump;a chain tool;a glue gun;a stiff broom;an air compressor;a putty knife;a box spanner").split(";")

STEPS = ("switch off the power;close the main valve;remove the cover;wait until the light turns green;press the reset button;wash your hands;put on gloves;empty the tray;"
         "write the date on the label;inform the shift leader;lock the door;rinse the filter;check the seal;fill in the log sheet;unplug the cable;turn the key to the left;"
         "open the window;let the machine cool down;wipe the surface dry;tighten the screws;enter the order number;take a photograph;sign the list;call the help desk;"
         "drain the water;replace the fuse;close the lid;pull the lever;weigh the sample;save the file;restart the computer;print the label;sort the parts by size;"
         "return the key;stir for two minutes;add the second half of the flour;cover the bowl;loosen the belt;oil the chain;pump up the tyre;test the brakes;"
         "collect the badges;count the cash;switch on the fan;read the meter;fold the cloth;hang up the apron;store the tools in the cabinet;scan the barcode;seal the envelope").split(";")

PENALTIES = ("a written warning;a fine;loss of the deposit;a ban of one month;an extra hour of cleaning duty;a talk with the manager;exclusion from the next event;"
             "a suspended card;the full repair cost;removal from the list;a fee for each day;a repeat of the training;a locked account;a note in the personal file").split(";")

REASONS = ("because the floor is slippery;because of the noise;because of the fire rules;because the equipment is fragile;because visitors may be asleep;because of the fumes;"
           "because the area is monitored;because the insurance demands it;because animals are nesting there;because the light damages the colours;because the pipes could freeze;"
           "because the network is overloaded;because the lift is too small;because allergies are common;because the neighbours complained;because the battery wears out").split(";")

ACTIONS = ("smoking;eating;taking photographs with flash;running;parking;using mobile phones;swimming;bringing dogs;wearing wet boots;listening to loud music;climbing over the rail;"
           "leaving bags;cycling;lighting candles;feeding the animals;touching the exhibits;drinking alcohol;wearing jewellery;storing bicycles;playing ball games;charging scooters;"
           "using own electrical heaters;sharing user accounts;working alone at night;opening the windows").split(";")

PURPOSES = ("cutting metal sheets;storing old files;welcoming guests;drying wet clothes;mixing paint;training new staff;measuring humidity;keeping medicines cold;repairing bicycles;"
            "first aid;small meetings;lending books;cleaning glass;lifting heavy loads;testing batteries;baking bread;sorting letters;watching birds;watering the beds;"
            "pumping out water;charging batteries;recording sound;children's parties;quiet reading;washing overalls;packing parcels;heating the hall;weighing parcels;"
            "pressing apples;teaching beginners;growing seedlings;showing films;counting visitors;storing skis;drying herbs;polishing stones;printing posters").split(";")

GENERAL = ("idea plan problem question answer story song game party journey mistake surprise secret promise meeting holiday morning evening afternoon night week month year minute hour "
           "moment accident lesson rule law right duty job career salary bonus tax loan bank price value cost profit loss growth market trade custom language word sentence letter number sum "
           "half quarter dozen pair group crowd team family couple guest enemy hero king queen knight ghost dream wish fear hope joy anger pride luck chance risk danger safety health illness "
           "pain fever cough smile tear voice hand arm leg foot head face eye ear nose mouth tooth hair skin heart blood bone back shoulder knee finger toe breath strength speed weight "
           "height width depth distance direction north south east west centre edge corner top bottom side middle end beginning surface shape circle square line point dot cross spot hole "
           "gap crack stain dust dirt mud sand rain snow ice wind fog frost heat light shadow sound noise silence smell taste colour air water fire earth stone metal wood glass paper cloth "
           "string knot button pocket sleeve collar shoe boot glove hat jacket coat dress skirt trouser sweater uniform culture art music film theatre stage concert choir drum flute trumpet "
           "painting poem novel hero chapter page title news headline radio signal message call visit invitation reply thanks excuse apology complaint praise advice warning order request "
           "permission ban limit choice decision agreement contract vote election member leader mayor minister government council court judge prison crime thief police witness proof truth lie").split()

IRREGULAR_PLURALS = {"knife": "knives", "shelf": "shelves", "calf": "calves", "leaf": "leaves", "wolf": "wolves", "child": "children", "sheep": "sheep", "deer": "deer",
                     "fish": "fish", "loaf": "loaves", "person": "people", "tooth": "teeth", "foot": "feet", "goose": "geese", "mouse": "mice", "foreman": "foremen",
                     "fisherman": "fishermen", "salmon": "salmon", "trout": "trout", "craftsman": "craftsmen"}

# Groups of words that may replace one another in a question; the first group of a word counts.
SYNONYMS = [line.split("|") for line in (Path(__file__).resolve().parent / "synonyms_en.txt").read_text(encoding="utf-8").splitlines() if not line.startswith(";")]
