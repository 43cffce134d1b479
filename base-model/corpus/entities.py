"""Things and values that the relations speak about, in English and French.

An entity is a noun phrase with its article (or a proper name); its kind says
which relations fit. ``rng`` is a ``random.Random``.
"""
import words_en as W
import words_fr as F

ONSET = "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sh st t tr v w z".split()
VOWEL = "a e i o u a e o ai ea ou".split()
CODA = "n r l m s t nd rk lt x ck nn st rd".split()
TOWN_END = {"en": "ford ton bury wick mouth by dale haven field bridge stead wood".split(),
            "fr": "ville court mont bourg val sur-Mer lac rive".split()}


def name(rng, parts=2):
    """An invented name of ``parts`` syllables."""
    out = ""
    for i in range(parts):
        out += rng.choice(ONSET) + rng.choice(VOWEL)
        if i == parts - 1 or rng.random() < .4:
            out += rng.choice(CODA)
    return out.capitalize()


def person(rng, lang):
    if lang == "fr":
        return rng.choice((f"{rng.choice(F.FIRST)} {name(rng)}", f"{rng.choice(('Madame', 'Monsieur'))} {name(rng)}"))
    r = rng.random()
    if r < .5:
        return f"{rng.choice(W.FIRST)} {name(rng)}"
    return f"{rng.choice(('Mr', 'Ms', 'Mrs', 'Dr'))} {name(rng)}" if r < .9 else rng.choice(W.FIRST)


def town(rng, lang):
    base = name(rng, 1 if rng.random() < .6 else 2)
    end = rng.choice(TOWN_END[lang])
    return base + ("-" + end if end[0] == "s" and "-" in end else end)


# fixed everyday things per kind: (modifiers, nouns); the noun phrase is "the M N"
EN = {
    "ticket": ("adult,child,family,student,senior,group,day,week,evening,season,single,return,monthly,annual,weekend,school,combined,online,half-day,guided,regional,balcony,guest,reduced,standard,"
               "first-class,museum,concert,ferry,parking,zoo,cinema,boat", "ticket,pass,card,ticket"),
    "product": ("folding,wooden,small,large,travel,office,garden,kitchen,waterproof,winter,summer,leather,silver,electric,deluxe,classic,handmade,printed,spare,children's,cotton,glass,steel,rubber,wool",
                "*things"),
    "dish": ("warm,cold,daily,vegetarian,spicy,sweet,small,large,home-made,grilled,baked,smoked,creamy,crispy,fresh,seasonal,harvest,fisherman's,farmer's,baker's,children's,winter,summer,house",
             "tomato soup,onion soup,apple cake,cheese tart,rye bread,lentil stew,rice pudding,fish pie,potato salad,mushroom omelette,pumpkin soup,nut bread,lemon tart,bean soup,plum cake,walnut loaf,"
             "chicken curry,noodle salad,carrot cake,breakfast plate,soup of the day,cherry pie,spinach pancake,beef roll,oat biscuit,fruit salad,leek quiche,pear jam,ginger tea,coffee"),
    "course": ("beginners',evening,weekend,advanced,weekly,summer,winter,introductory,refresher,online,children's,staff,free,basic,intensive,holiday,yearly,morning",
               "first-aid course,pottery class,French course,swimming lesson,climbing course,drawing class,fire drill,safety training,sewing class,guided tour,computer course,baking class,dance class,"
               "welding course,yoga class,photography workshop,German course,chess lesson,guitar lesson,sailing course,gardening workshop,induction,harbour tour,night walk,tower tour,riding lesson,repair workshop,family workshop,audio tour"),
    "event": ("annual,monthly,spring,summer,autumn,winter,weekly,public,staff,children's,night,opening,members',Friday,Sunday,village,school,charity,international,first",
              "meeting,festival,concert,open day,market,fire drill,exhibition,tournament,flea market,party,reading,film evening,science fair,regatta,general assembly,inventory,race,quiz night,harvest feast,book sale,lecture,stocktaking,team meeting,parents' evening,sports day,safety briefing"),
    "shift": ("early,late,night,morning,weekend,day,evening,holiday,kitchen,cleaning,Sunday,standby,reception,harbour,training", "shift,duty,watch,round"),
    "service": ("express,weekly,free,mobile,evening,early,private,digital,standard,full,extra,daily,night,gift,home,group,online,winter,same-day,premium",
                "delivery,cleaning service,bicycle rental,luggage storage,tyre change,laundry service,repair service,shuttle,printing service,babysitting,parcel pick-up,brake check,boat rental,key service,room service,translation,"
                "interlibrary loan,wheelchair rental,airport transfer,tool hire,skate rental,engraving,framing,sharpening,locker rental,ski rental,pet care,tuning,photo service,audio guide rental,wrapping service"),
    "activity": ("", "smoking,parking,swimming,cycling,photography,fishing,camping,ball games,barbecuing,overtime,home office,remote work,private phone calls,visits by friends,pets,skating,flying drones,late return,"
                 "dog walking,loud music,bathing,lighting fires,borrowing keys,swapping shifts,using the printer for private purposes,eating at the desk,private parcels,business trips,carpooling,working at height,climbing,picnics,night work,boating"),
    "process": ("weekly,monthly,annual,daily,initial,final,quick,full,careful,usual",
                "stocktaking,oil change,fire inspection,holiday request,sick note,expense report,filter change,key return,password reset,tyre change,data backup,room booking,job application,travel claim,order,complaint,"
                "registration,final cleaning,water test,brake test,chain replacement,dough preparation,shift handover,waste sorting,delivery check,boiler check,tool inspection,member admission,loan extension,cash count,lock-up,"
                "machine cleaning,battery change,visitor registration,invoice check,calibration,leak test,accident report,seed sowing,window cleaning"),
    "room": ("blue,green,red,large,small,old,new,upper,lower,north,south,east,west,main,second,quiet,glass,corner,harbour,garden", "*places"),
    "place": ("old,new,town,north,south,harbour,central,public,school,staff,university,village,west,east,hillside,riverside,castle,little",
              "museum,library,canteen,swimming pool,shop,café,gym,car park,bakery,clinic,pharmacy,archive,theatre,cinema,zoo,post office,ticket office,restaurant,reception,market,botanical garden,sauna,ice rink,visitor centre,"
              "bicycle station,lost property office,recycling centre,bank,hostel,camp site,lighthouse,playground,workshop,warehouse,boat house,climbing hall,youth club,nursery,town hall,gallery,laundry,information desk,cloakroom,studio"),
    "building": ("old,new,stone,brick,wooden,tall,round,north,south,white,red,lower,harbour,station,water", "tower,bridge,mill,hall,barn,chapel,castle,pier,silo,gatehouse,lighthouse,depot,dam,boat shed,pavilion,clock tower,wing,annex,hut,footbridge,staircase,garage"),
    "machine": ("big,small,old,new,second,hydraulic,automatic,portable,green,main,backup,industrial,digital,third,heavy,quiet",
                "drill,lathe,pump,compressor,saw,press,printer,washing machine,dishwasher,generator,oven,coffee machine,forklift,crane,mixer,lawn mower,boiler,scanner,cutter,fan,air conditioner,conveyor,freezer,centrifuge,copier,kiln,dryer,"
                "slicer,vacuum cleaner,water heater,welding unit,ticket machine,projector,server,lift,robot,baler,milking machine,heat pump,pressure washer,dough mixer,sander,engraver"),
    "vehicle": ("red,blue,white,old,new,electric,small,large,first,second,green,yellow,spare,long,company,rescue", "van,lorry,bus,tram,bicycle,cargo bike,ferry,rowing boat,tractor,trailer,car,minibus,motor boat,scooter,ambulance,fire engine,canoe,train,mountain bike,tandem,forklift,sailing boat,snow plough,delivery van,e-bike,shuttle bus"),
    "tool": ("long,short,heavy,light,large,small,red,blue,old,new,cordless,special,curved,fine", "hammer,saw,drill,ladder,spanner,torch,wrench,screwdriver,axe,spade,rake,chisel,paint brush,crowbar,jack,pump,clamp,scale,knife,whisk,rolling pin,thermometer,measuring wheel,soldering iron,hand truck,bolt cutter,sander,multimeter,stapler,hedge trimmer"),
    "object": ("old,golden,silver,wooden,bronze,large,small,blue,red,round,painted,heavy,broken,glass,ship's,stone,iron,medieval,famous", "*things"),
    "artwork": ("", "“The Old Harbour”,“Winter Morning”,“The Blue Boat”,“Two Sisters”,“The Silent Mill”,“Girl with a Lantern”,“The Long Road”,“Evening Bells”,“The Glass Tree”,“Red Roofs”,“The Fisherman's Dream”,“Seven Birds”,“The Last Train”,"
                "“Garden in the Rain”,“The Paper King”,“Night Ferry”,“The Green Door”,“Storm at Noon”,“The Sleeping Dog”,“A Cup of Light”,“Autumn Letters”,“The Empty Chair”,“Morning Tide”,“The Clockmaker”,“White Horses”,“The Stone Bridge”"),
    "dept": ("central,technical,internal,legal,regional,second,new,student,customer,medical",
             "accounts department,personnel office,workshop team,kitchen team,IT help desk,sales department,security office,marketing team,purchasing department,archive,laboratory,press office,cleaning team,reception,dispatch office,"
             "planning office,payroll office,quality team,education team,restoration department,lost property office,garden team,night ward,design studio,complaints desk,maintenance crew,works council,first-aid post,warehouse team,training centre,membership office"),
    "team": ("junior,senior,first,second,old,local,women's,men's,mixed,night,village,young", "rowing club,choir,football team,chess club,fire brigade,theatre group,hiking club,brass band,swimming club,photo club,sailing club,book club,orchestra,rescue team,climbing club,hockey team,quiz team,gardening club,dance group,handball team,debating club,film club"),
    "animal": ("old,young,grey,brown,white,black,spotted,small,large,shy,one-eyed,tame", "donkey,goat,owl,otter,seal,penguin,horse,fox,tortoise,parrot,cat,dog,sheep,pig,eagle,snake,beaver,lynx,camel,llama,hen,rabbit,stork,swan,monkey,bear,wolf,badger,hedgehog,crocodile,ferret,turtle,goose,pony,raven"),
    "plant": ("red,white,yellow,dwarf,climbing,wild,blue,early,late,giant,tall,northern", "rose,tulip,fern,oak,maple,lily,orchid,cactus,apple tree,pear tree,lavender,basil,sunflower,ivy,cherry tree,bamboo,mint,strawberry,tomato,pumpkin,daisy,peony,willow,birch,vine,sage,palm,lemon tree,water lily,clover"),
    "doc": ("annual,signed,blue,green,internal,official,first,new,staff,visitor,digital,printed,standard,final",
            "holiday form,contract,membership card,library card,accident report,travel claim,parking permit,order form,registration form,staff badge,sick note,visitor pass,delivery note,warranty card,timesheet,insurance policy,driving licence,key list,rental agreement,logbook,"
            "application,invoice,training certificate,inspection report,photo permit,loan slip,shift plan,cash report,fishing licence,building permit,course certificate,risk assessment"),
    "role": ("new,junior,senior,full-time,part-time,temporary,night,weekend,seasonal", "*roles"),
    "software": ("new,old,mobile,internal,online,central,cloud,digital", "booking app,payroll program,photo archive,mail system,ticket system,time clock,chat program,customer database,drawing program,stock list,learning platform,calendar app,backup tool,wiki,door system,web shop,map viewer,route planner,scanner app,till software,intranet,file server"),
    "material": ("fine,coarse,dark,light,liquid,dry,special,industrial,organic,clear", "glue,paint,varnish,flour,engine oil,salt,detergent,plaster,sand,cement,yeast dough,fertiliser,chlorine,ink,brake fluid,wax,soap,grease,sugar syrup,disinfectant,resin,clay,sawdust,compost,coolant,vinegar"),
    "tank": ("main,second,upper,lower,round,steel,large,small,emergency,blue", "water tank,fuel tank,boiler,rain barrel,milk tank,oil drum,aquarium,cistern,reservoir,watering can,mixing bowl,kettle,hot-water tank,fire bucket,canister"),
    "illness": ("", "a cold,a cut finger,a fever,a burn,food poisoning,an allergy,a sprained ankle,a headache,a bee sting,back pain"),
    "step": ("", "rinsing the filter,closing the valve,kneading the dough,counting the cash,locking the gate,checking the tyres,mixing the paint,feeding the animals,cleaning the blade,labelling the samples,loading the van,testing the alarm,"
             "sanding the surface,unpacking the boxes,sorting the post,washing the towels,oiling the chain,reading the meter,greasing the tins,signing the list,cooling the mould,scanning the cards,weighing the parts,planting the bulbs"),
}
_things, _places, _roles = [], [], []
for _r, _p, _t, _v, _a in W.DOMAINS.values():
    _things += _t.split(",")
    _places += _p.split(",")
    _roles += _r.split(",")
_SUBST = {"*things": ",".join(_things), "*places": ",".join(_places), "*roles": ",".join(_roles)}
EN = {k: (m.split(",") if m else [], _SUBST.get(n, n).split(",")) for k, (m, n) in EN.items()}
NO_ARTICLE = {"activity", "artwork", "illness", "step"}
# a different order of words for the same thing: "the ticket for children"
OTHER_FORM = {"child": "children", "adult": "adults", "family": "families", "student": "students", "senior": "seniors", "group": "groups", "children's": "children",
              "beginners'": "beginners", "members'": "members", "staff": "staff", "school": "schools", "visitor": "visitors", "guest": "guests"}

FR = {
    "ticket": "le billet,la carte,l'abonnement;pour adultes,pour enfants,de groupe,à la journée,à la semaine,du soir,de famille,d'étudiant,du week-end,combiné",
    "product": "le sac,la lampe,le carnet,la tasse,le couteau,la couverture,le parapluie,la montre,le jouet,la chaise,l'horloge,le tapis,la bougie,l'affiche;de voyage,de cuisine,de bureau,de jardin,d'hiver,d'été,pour enfants,en promotion",
    "dish": "la soupe,la tarte,le gâteau,la salade,l'omelette,le pain,la crêpe,le ragoût,la quiche,la confiture;du jour,aux pommes,aux poireaux,au fromage,aux noix,au citron,aux lentilles,du chef,de la maison,aux champignons",
    "course": "le cours,l'atelier,la visite guidée,la formation,le stage,la leçon;de poterie,de dessin,de natation,d'anglais,de cuisine,de couture,de secourisme,du soir,pour débutants,du samedi,de photo,de jardinage",
    "service": "la livraison,la location,la réparation,le nettoyage,la consigne,la navette,le dépannage;express,de vélos,à domicile,de bateaux,du soir,pour groupes,de bagages,de skis,du dimanche",
    "activity": "le camping,la baignade,la pêche,le stationnement,le télétravail,la photographie,le travail de nuit,le covoiturage,la randonnée,l'escalade;dans la zone A,dans la zone B,près du lac,le week-end,en hiver,en été",
    "process": "l'inventaire,la vidange,l'inscription,la demande de congé,la remise des clés,le contrôle des freins,la sauvegarde,la commande,la réclamation,le tri des déchets,la pesée;de la semaine,du mois,de l'année,du matin,du soir,de l'équipe B",
    "event": "la réunion,la fête,le concert,le marché,l'exposition,le tournoi,la lecture,la course,la foire,le bal;de printemps,d'été,d'automne,d'hiver,du village,du quartier,des bénévoles,annuelle du club,de l'école",
    "room": "la salle,la chambre,le bureau,l'atelier,la cuisine,le garage,la cave,le vestiaire;bleue,du nord,du sud,des cartes,de musique,du premier,des invités,de la tour,du port",
    "place": "le musée,la bibliothèque,la cantine,la piscine,le magasin,le café,le gymnase,la pharmacie,le théâtre,la poste,l'auberge,le marché,la clinique,la gare,le zoo;du port,du centre,de la vieille ville,du parc,de la colline,du quartier nord,de la plage,du village",
    "building": "la tour,le pont,le moulin,la chapelle,le château,le phare,la grange,le pavillon,l'escalier;de pierre,du nord,du port,des marins,de l'ouest,de la place",
    "machine": "la perceuse,la pompe,la presse,l'imprimante,le four,la scie,le compresseur,la grue,le mixeur,la tondeuse,le lave-vaisselle,le congélateur;de l'atelier,de la cave,numéro 1,numéro 2,numéro 3,de la cuisine,du hall,de secours",
    "vehicle": "le camion,le bus,le vélo,la barque,le tracteur,la remorque,la voiture,le tram,la camionnette;de service,de secours,de l'école,numéro 4,numéro 7,du garage,des visiteurs",
    "tool": "le marteau,la scie,l'échelle,la clé,la lampe,la hache,la bêche,le râteau,le ciseau,la balance;de l'atelier,du jardin,de secours,de précision,du chef,à long manche",
    "dept": "le service,l'équipe,le bureau;des achats,de nuit,technique,du personnel,de nettoyage,de la presse,des ventes,de la sécurité,du courrier,des plaintes,de la formation",
    "team": "le club,la chorale,l'équipe,l'orchestre,la troupe;de rugby,d'échecs,de voile,du quartier,de randonnée,des jeunes,du lycée,de théâtre,d'aviron",
    "animal": "l'âne,la chèvre,le hibou,la loutre,le phoque,le cheval,le renard,la tortue,le perroquet,le chat,le chien,l'aigle,le lynx,le cygne;du parc,de la ferme,du zoo,de la voisine,du meunier,du directeur",
    "plant": "le rosier,la tulipe,la fougère,le chêne,l'érable,le cactus,le pommier,la lavande,le basilic,le cerisier,la vigne;de la cour,de la serre,du jardin,de l'entrée,de la terrasse,du balcon",
    "doc": "le formulaire,le contrat,le badge,le permis,le certificat,le rapport,la carte,le bon;de congé,d'accident,de voyage,de stage,de pêche,d'assurance,de livraison,d'inscription,de visite",
    "role": "le gardien,la caissière,l'apprenti,le technicien,la guide,le cuisinier,l'assistante;de nuit,du week-end,de l'équipe A,de l'équipe B,du matin,de l'atelier",
    "software": "le logiciel,l'application,le site,la base;de paie,de réservation,de vente,des photos,de messagerie,du stock,de billetterie",
}
FR = {k: tuple(x.split(",") for x in v.split(";")) for k, v in FR.items()}


def entity(rng, kind, lang):
    """Returns (text, list of other ways to say it)."""
    if kind == "person":
        return person(rng, lang), []
    if lang == "fr":
        nouns, mods = FR[kind]
        noun, mod = rng.choice(nouns), rng.choice(mods)
        r = rng.random()
        if r < .3:
            mod = f"{name(rng)}"
        elif r < .4:
            mod = f"{mod} de {town(rng, lang)}"
        return f"{noun} {mod}", []
    mods, nouns = EN[kind]
    noun = rng.choice(nouns)
    if kind in NO_ARTICLE:
        if kind in ("artwork", "illness") or rng.random() < .4:
            return noun, []
        where = rng.choice((" in ", " near ", " behind ", " at ")) + "the " + rng.choice(_places)
        return noun + where, []
    r = rng.random()
    if r < .15:
        return "the " + noun, []
    if r < .55 and mods:
        mod = rng.choice(mods)
        if mod in OTHER_FORM:
            return f"the {mod} {noun}", [f"the {noun} for {OTHER_FORM[mod]}", f"the {mod} {noun}"]
        return f"the {mod} {noun}", []
    if r < .8:
        nm = name(rng)
        if kind in ("machine", "vehicle", "tool", "software", "product") and rng.random() < .5:
            nm += " " + str(rng.randrange(1, 100) * rng.choice((1, 10, 100)))
        return f"the {nm} {noun}", [f"{nm}", f"the {noun} {nm}"] if rng.random() < .5 else []
    if r < .92:
        t = town(rng, lang)
        return f"the {noun} {rng.choice(('in', 'of', 'at', 'from'))} {t}", [f"the {t} {noun}"]
    return f"the {rng.choice(mods) + ' ' if mods and rng.random() < .5 else ''}{noun} of {person(rng, lang)}", []


MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ORD = "first second third fourth fifth sixth".split()
NUMS = "one two three four five six seven eight nine ten eleven twelve".split()
HOBBIES = ("chess;playing the violin;baking bread;long walks;building kites;old films;rowing;collecting stamps;singing;fishing;painting birds;repairing clocks;reading novels;mountain biking;knitting;"
           "astronomy;growing tomatoes;swimming in the lake;card games;writing letters;dancing;carving wood").split(";")
WEAR = ("safety shoes;a hard hat;gloves;ear protection;a hairnet;an apron;goggles;a life jacket;a reflective vest;a lab coat;soft slippers;a helmet;a dust mask;rubber boots;a name badge;"
        "long sleeves;a warm jacket;a white shirt;sports shoes;a harness").split(";")
LANGUAGES = "English French German Spanish Italian Dutch Polish Swedish Turkish Greek Danish Portuguese Arabic Czech".split()
PLACES_AT = ("next to the main entrance;behind the bar;in the cellar;at the end of the corridor;under the stairs;beside the lift;in the courtyard;in front of the library;opposite the canteen;near the back door;"
             "between the two towers;on the top shelf;at the reception desk;in the tool cabinet;behind the stage;at the harbour gate;in the staff room;by the window;in the garden shed;on the north side;"
             "in the first drawer;above the sink;at the bus stop;in the glass case;on the roof terrace;next to the fire door;in the left wing;at the ticket desk;in the loft;behind the green door").split(";")
SPOTS = [_x for _x in PLACES_AT if not any(_w in _x for _w in ("shelf", "cabinet", "drawer", "sink", "glass case"))]
PLACES_AT_FR = ("devant l'entrée;à côté de l'ascenseur;dans la cour;sous l'escalier;derrière le bar;près de la porte bleue;au bout du couloir;devant la bibliothèque;à l'accueil;sur la terrasse;"
                "à l'arrêt du bus;en face de la cantine;près de la fontaine;au pied de la tour;dans le jardin;devant la gare;à l'entrée du port;au fond de la salle").split(";")
WHERE2 = ("at the reception;at the ticket desk;at the help desk;on the website;by telephone;with the caretaker;in the office on the first floor;at the gate house;in the staff app;by email;at the workshop counter;"
          "with the shift leader;at the information desk;in the head office;with the security guard;at the bar;in the key cabinet;on the notice board;with the secretary;at the harbour office").split(";")
PAYMENTS = "in cash;by card;by bank transfer;online;with coins;by invoice;with the staff badge;in advance;on the last day;with vouchers;by mobile phone;with the membership card".split(";")
SIGNALS = ("three short rings;a long whistle;a blue light;a red flag;two knocks;a green lamp;a bell;a gong;a yellow sign;a text message;a siren;an orange light;music over the loudspeakers;a white flag").split(";")
SEASONS = "in spring;in summer;in autumn;in winter;from May to September;from October to March;on rainy days only;during school holidays;in the first half of the year;all year round;at Christmas;from June to August".split(";")
WHOFREE = ("children under six;members;students;teachers with a class;people over seventy;staff;residents of the town;volunteers;visitors on their birthday;families with three children;donors;wheelchair users;the first ten guests;artists").split(";")
INCLUDES = ("a cup of coffee;a map;an audio guide;lunch;a bus ride;a helmet;the use of the sauna;a printed guide;a drink;insurance;a small gift;a locker;all materials;breakfast;a certificate;towels;a photograph;two spare tubes").split(";")
COUNTTHINGS = ("chairs;lockers;computers;beds;windows;lamps;workbenches;lifts;tables;showers;cameras;fire extinguishers;screens;sockets;seats;shelves;sinks;ovens;paintings;benches").split(";")
SCENES = ("a ship in a storm;two children at a well;a market in the rain;an old man with a dog;a field of poppies;a bridge at night;a bowl of pears;a woman reading a letter;a snowy street;three horses by a river;"
          "a dancer in blue;a burning mill;a cat on a piano;fishermen mending nets;a harbour at dawn;an empty theatre").split(";")
PRIZES = "a golden cup;a weekend in the mountains;a free meal;a bicycle;a basket of apples;a book token;a day off;a silver medal;a hand-made bowl;concert tickets;a rowing boat;a box of chocolates;a year of free entry".split(";")
FREQ = ("every day;every week;every month;every year;twice a day;twice a week;once a month;twice a year;every two weeks;every three months;every six months;every two years;every {n} hours;every {n} days;"
        "every {n} weeks;after every use;on the first of each month;every Monday;every Friday;before each shift;after {n} hours of use;three times a week;once a week;four times a year").split(";")
ANIMALS = "a cat;a small dog;two parrots;a tortoise;three hens;a rabbit;a goldfish;a pony;a ferret;a hedgehog;two goats;a white mouse".split(";")
FOODS = "hay;carrots;fish;seeds;fresh grass;insects;apples;oats;raw meat;nuts;leaves;berries;worms;corn;cabbage;bread crumbs;mice;shrimps".split(";")


def _num(rng):
    r = rng.random()
    if r < .4:
        return rng.randrange(2, 20)
    return rng.randrange(20, 100) if r < .75 else rng.choice((rng.randrange(100, 1000), rng.randrange(10, 100) * 10, rng.randrange(2, 40) * 25))


def _money(rng, lang):
    r = rng.random()
    if lang == "fr":
        return f"{_num(rng)} euros" if r < .6 else f"{rng.randrange(1, 60)},{rng.choice((20, 50, 80, 90))} euros"
    n = _num(rng)
    return (f"{n} euros" if r < .45 else f"€{n}" if r < .55 else f"{rng.randrange(1, 60)}.{rng.choice((20, 50, 80, 90, 25, 75))} euros" if r < .75
            else f"{n} pounds" if r < .85 else f"{n} dollars" if r < .95 else f"{rng.randrange(10, 95)} cents")


def _time(rng, lang):
    h, m = rng.randrange(5, 24), rng.choice((0, 0, 0, 15, 30, 30, 45, rng.randrange(60)))
    if lang == "fr":
        return f"{h} heures" if m == 0 else f"{h} h {m:02d}"
    r = rng.random()
    if r < .55:
        return f"{h}:{m:02d}"
    h12 = (h - 1) % 12 + 1
    if r < .85:
        return f"{h12}{':%02d' % m if m else ''} {'am' if h < 12 else 'pm'}"
    return f"{NUMS[h12 - 1]} o'clock" if r < .95 else f"half past {NUMS[h12 - 1]}"


def _dur(rng, lang):
    n = rng.randrange(2, 13)
    if lang == "fr":
        return rng.choice((f"{n} heures", f"{rng.randrange(1, 12) * 5} minutes", f"{n} jours", f"{n} semaines"))
    w = NUMS[n - 1] if rng.random() < .4 else n
    return rng.choice((f"{w} hours", f"{rng.randrange(1, 20) * 5} minutes", f"{rng.randrange(2, 60)} minutes", f"{w} days", f"{w} weeks", "half an hour", "an hour and a half", f"{w} and a half hours"))


def _period(rng, lang):
    n = rng.randrange(2, 31)
    if lang == "fr":
        return f"{n} {rng.choice(('jours', 'semaines', 'mois', 'ans'))}"
    w = NUMS[n - 1] if n <= 12 and rng.random() < .45 else n
    return f"{w} {rng.choice(('days', 'weeks', 'months', 'years', 'working days'))}"


def _date(rng, lang):
    d, m = rng.randrange(1, 29), rng.randrange(12)
    if lang == "fr":
        return f"{d} {F.MONTHS[m]}"
    return f"{d} {MONTHS[m]}" if rng.random() < .6 else f"{MONTHS[m]} {d}"


def _ings(rng):
    a = rng.sample(W.INGREDIENTS, 3)
    return f"{a[0]}, {a[1]} and {a[2]}" if rng.random() < .6 else f"{a[0]} and {a[1]}"


def _floor(rng, lang):
    if lang == "fr":
        return rng.choice(("au rez-de-chaussée", "au premier étage", "au deuxième étage", "au troisième étage", "au quatrième étage", "au sous-sol", "au dernier étage", "au cinquième étage"))
    return rng.choice(("the ground floor", "the first floor", "the second floor", "the third floor", "the fourth floor", "the fifth floor", "the top floor", "the lower level", "the sixth floor", "level " + str(rng.randrange(1, 9))))


def _room(rng, lang):
    n = rng.randrange(1, 500)
    if lang == "fr":
        return rng.choice((f"la salle {n}", f"le bureau {n}", f"le bâtiment {rng.choice('ABCDE')}"))
    return rng.choice((f"room {n}", f"room {rng.choice('ABCDE')}{n}", f"office {n}", f"building {rng.choice('ABCDEFG')}", f"hall {rng.randrange(1, 12)}", f"the {rng.choice(W.COLOURS)} room"))


def _freq(rng, lang):
    n = rng.randrange(2, 25)
    if lang == "fr":
        return rng.choice(("tous les jours", "toutes les semaines", "tous les mois", "tous les ans", "deux fois par an", "une fois par mois", f"tous les {n} jours", f"toutes les {n} semaines", "chaque lundi", "chaque vendredi"))
    return rng.choice(FREQ).replace("{n}", str(n))


def _company(rng):
    return f"{name(rng)} {rng.choice(('Ltd', '& Sons', 'Brothers', 'Works', 'Trading', 'Foods', 'Tools', 'Supplies', 'Group', 'Mills'))}"


_DEC = {"en": ".", "fr": ","}
VALUES = {
    "money": _money, "time": _time, "duration": _dur, "duration2": _dur, "period": _period, "date": _date, "frequency": _freq, "floor": _floor, "roomno": _room,
    "percent": lambda r, l: f"{r.randrange(1, 19) * 5} percent" if l == "en" else f"{r.randrange(1, 19) * 5} pour cent",
    "weekday": lambda r, l: (r.choice(DAYS) + (" and " + r.choice(DAYS) if r.random() < .1 else "")) if l == "en" else r.choice(F.DAYS),
    "ext": lambda r, l: str(r.randrange(10, 10000)), "person": person, "town": town, "year": lambda r, l: str(r.randrange(1650, 2026)),
    "colour": lambda r, l: r.choice(W.COLOURS if l == "en" else F.COLOURS), "material": lambda r, l: r.choice(W.MATERIALS if l == "en" else F.MATERIALS),
    "weight": lambda r, l: f"{_num(r)} {'kilos' if l == 'fr' else r.choice(('kilograms', 'kilos', 'kg', 'grams', 'tonnes'))}",
    "length": lambda r, l: r.choice((f"{_num(r)} {'centimetres' if l == 'en' else 'centimètres'}", f"{r.randrange(1, 40)}{_DEC[l]}{r.randrange(1, 10)} {'metres' if l == 'en' else 'mètres'}", f"{_num(r)} {'metres' if l == 'en' else 'mètres'}")),
    "distance": lambda r, l: r.choice((f"{r.randrange(1, 20) * 50} {'metres' if l == 'en' else 'mètres'}", f"{r.randrange(1, 40)}{_DEC[l]}{r.randrange(1, 10)} {'kilometres' if l == 'en' else 'kilomètres'}", f"{_num(r)} {'kilometres' if l == 'en' else 'kilomètres'}", f"{r.randrange(2, 40)} minutes {'on foot' if l == 'en' else 'à pied'}")),
    "people": lambda r, l: f"{_num(r)} {'people' if l == 'en' and r.random() < .8 else 'persons' if l == 'en' else 'personnes'}",
    "litres": lambda r, l: f"{_num(r)} litres", "temp": lambda r, l: f"{r.randrange(1, 50) * 5 if r.random() < .5 else r.randrange(2, 40)} {'degrees' if l == 'en' else 'degrés'}",
    "speed": lambda r, l: f"{_num(r)} kilometres per hour" if r.random() < .6 else f"{_num(r)} km/h", "days": lambda r, l: f"{r.randrange(10, 41)} {'days' if l == 'en' else 'jours'}",
    "age": lambda r, l: f"{r.randrange(3, 22)} {'years' if l == 'en' else 'ans'}", "years": lambda r, l: f"{r.randrange(2, 120)} years", "count": lambda r, l: f"{r.randrange(2, 60)} {r.choice(('pieces', 'items', 'times', 'units'))}",
    "penalty": lambda r, l: r.choice(W.PENALTIES), "document": lambda r, l: r.choice(W.DOCUMENTS if l == "en" else F.DOCUMENTS), "step": lambda r, l: r.choice(W.STEPS if l == "en" else F.STEPS),
    "tool": lambda r, l: r.choice(W.TOOLS), "ingredients": lambda r, l: _ings(r), "food": lambda r, l: r.choice(FOODS), "month": lambda r, l: r.choice(MONTHS),
    "role": lambda r, l: (lambda x: ("an " if x[0] in "aeiou" else "a ") + x)(r.choice(_roles)), "hobby": lambda r, l: r.choice(HOBBIES), "pet": lambda r, l: r.choice(ANIMALS),
    "hours": lambda r, l: f"{r.randrange(4, 46)} hours", "purpose": lambda r, l: r.choice(W.PURPOSES if l == "en" else F.PURPOSES), "reason": lambda r, l: r.choice(W.REASONS), "location": lambda r, l: r.choice(PLACES_AT if l == "en" else PLACES_AT_FR),
    "watts": lambda r, l: f"{_num(r)} {r.choice(('watts', 'kilowatts', 'horsepower'))}", "pressure": lambda r, l: f"{r.randrange(1, 12)}.{r.randrange(10)} bar", "code": lambda r, l: f"{''.join(r.choice('ABCDEFGHKLMNPRSTUVWXZ') for _ in range(2))}-{r.randrange(10, 9999)}",
    "code2": lambda r, l: "".join(r.choice("ABCDEFGHKLMNPRSTUVWXZ") for _ in range(r.choice((2, 3, 4)))), "shelf": lambda r, l: f"shelf {r.choice('ABCDEFGH')}{r.randrange(1, 40)}" if r.random() < .6 else f"the {r.choice(ORD)} shelf",
    "company": lambda r, l: _company(r), "scene": lambda r, l: r.choice(SCENES), "where2": lambda r, l: r.choice(WHERE2), "wear": lambda r, l: r.choice(WEAR), "language": lambda r, l: r.choice(LANGUAGES),
    "busline": lambda r, l: f"{r.choice(('bus', 'tram', 'line', 'bus'))} {r.randrange(1, 99)}", "nickname": lambda r, l: f"the {r.choice(('Old', 'Little', 'Iron', 'Silent', 'Golden', 'Quick', 'Grey', 'Great'))} {r.choice(('Fox', 'Bear', 'Lady', 'King', 'Giant', 'Owl', 'Whale', 'Beetle', 'Dragon'))}",
    "payment": lambda r, l: r.choice(PAYMENTS), "date2": lambda r, l: f"the {r.choice(('first', 'second', 'fifth', 'tenth', 'fifteenth', 'twentieth', 'last'))} {r.choice(('day of the month', 'working day', 'Friday of the month', 'Monday of the month'))}",
    "version": lambda r, l: f"{r.randrange(1, 20)}.{r.randrange(10)}", "filesize": lambda r, l: f"{_num(r)} {r.choice(('megabytes', 'gigabytes', 'kilobytes'))}", "signal": lambda r, l: r.choice(SIGNALS),
    "countthing": lambda r, l: f"{r.randrange(2, 80)} {r.choice(COUNTTHINGS)}", "area": lambda r, l: f"{_num(r)} square metres", "season": lambda r, l: r.choice(SEASONS), "whofree": lambda r, l: r.choice(WHOFREE),
    "includes": lambda r, l: r.choice(INCLUDES), "decibel": lambda r, l: f"{r.randrange(30, 120)} decibels", "dose": lambda r, l: f"{_num(r)} {r.choice(('grams', 'millilitres', 'drops', 'spoons', 'grams per litre'))}", "prize": lambda r, l: r.choice(PRIZES),
    "spot": lambda r, l: r.choice(SPOTS if l == "en" else PLACES_AT_FR), "heat": lambda r, l: f"{r.randrange(25, 46)} {'degrees' if l == 'en' else 'degrés'}",
    "bagweight": lambda r, l: f"{r.randrange(3, 41)} {'kilos' if l == 'fr' else r.choice(('kilos', 'kilograms', 'kg'))}",
    "windspeed": lambda r, l: f"{r.randrange(6, 25) * 5} {r.choice(('kilometres per hour', 'km/h'))}",
    "crowd": lambda r, l: f"{r.randrange(2, 90) * r.choice((100, 1000))} {r.choice(('people', 'visitors', 'guests')) if l == 'en' else 'personnes'}",
    "nthday": lambda r, l: f"the {r.choice(ORD)} day",
    "sign": lambda r, l: f"{r.choice(('a', 'the'))} {r.choice(('red', 'blue', 'green', 'white', 'yellow', 'striped', 'black'))} {r.choice(('armband', 'cap', 'scarf', 'badge', 'ribbon', 'vest', 'flag', 'pin', 'sticker', 'umbrella'))}",
    "seller": lambda r, l: entity(r, r.choice(("dish", "product")), l)[0],
}
