"""French relations, in the same notation as the English ones.

``de le``, ``de les``, ``à le``, ``à les`` are contracted after rendering.
"""

TEXT = """
# price | ticket,product,dish,course,service | money | prix
S {e} coûte {v}.
S Le prix de {e} est de {v}.
S Pour {e}, (on paie|il faut payer|nous demandons) {v}.
S (Les visiteurs|Les clients) paient {v} pour {e}.
Q (Combien|Que) coûte {e} ?
Q Quel est le (prix|tarif) de {e} ?
Q Combien (faut-il payer|paie-t-on|dois-je payer) pour {e} ?
Q (Quelle somme|Combien d'argent) faut-il pour {e} ?
Q (Dites-moi|Donnez-moi) le prix de {e}.
# opens | place,room | time | ouverture
S {e} ouvre à {v}.
S L'ouverture de {e} est à {v}.
S On peut entrer dans {e} à partir de {v}.
S À partir de {v}, {e} accueille le public.
Q (À quelle heure|Quand) ouvre {e} ?
Q Quelle est l'heure d'ouverture de {e} ?
Q (À partir de quelle heure|Dès quand) peut-on (entrer dans|visiter) {e} ?
Q Dès quelle heure {e} accueille le public ?
# closes | place,room | time | fermeture
S {e} ferme à {v}.
S La fermeture de {e} est à {v}.
S On peut rester dans {e} jusqu'à {v}.
S Après {v}, plus personne n'entre dans {e}.
Q (À quelle heure|Quand) ferme {e} ?
Q Quelle est l'heure de fermeture de {e} ?
Q Jusqu'à quelle heure (peut-on rester dans|visite-t-on) {e} ?
Q Jusqu'à quand peut-on entrer dans {e} ?
# closedday | place | weekday | jour de repos
S Le jour de repos de {e} est le {v}.
S Le {v}, {e} n'ouvre pas.
S Il n'y a pas de service le {v} pour {e}.
Q Quel (jour|jour de la semaine) {e} n'ouvre pas ?
Q Quel est le jour de (repos|fermeture) de {e} ?
Q Quand {e} reste sans service ?
Q Quel jour ne peut-on pas visiter {e} ?
# duration | course,event,service,process | duration | durée
S {e} dure {v}.
S La durée de {e} est de {v}.
S Il faut prévoir {v} pour {e}.
Q Combien de temps (dure|prend) {e} ?
Q Quelle est la durée de {e} ?
Q Combien de temps faut-il prévoir pour {e} ?
Q (Quel temps|Combien d'heures ou de minutes) prend {e} ?
# begins | course,event | time | début
S {e} commence à {v}.
S Le début de {e} est à {v}.
S À {v}, nous commençons {e}.
Q (À quelle heure|Quand) commence {e} ?
Q Quelle est l'heure de début de {e} ?
Q À quelle heure faut-il être là pour {e} ?
Q Quand débute {e} ?
# deadline | doc,process,event | date | date limite
S La date limite pour {e} est le {v}.
S Il faut terminer {e} avant le {v}.
S Le dernier jour pour {e} est le {v}.
Q Quelle est la date limite (pour|de) {e} ?
Q (Jusqu'à quand|Pour quand) faut-il terminer {e} ?
Q Quel est le dernier jour pour {e} ?
Q Avant quelle date faut-il s'occuper de {e} ?
# dateof | event,course | date | date
S {e} a lieu le {v}.
S La date de {e} est le {v}.
S Le {v}, nous organisons {e}.
Q (Quand|Quel jour) a lieu {e} ?
Q Quelle est la date de {e} ?
Q Pour quel jour {e} est au programme ?
Q À quelle date a lieu {e} ?
# extension | person,dept,place | ext | poste
S Le poste de {e} est le {v}.
S Pour joindre {e}, il faut composer le {v}.
S {e} répond au numéro {v}.
Q Quel est le (numéro|poste|numéro de téléphone) de {e} ?
Q Quel numéro faut-il composer pour {e} ?
Q Comment (joindre|appeler) {e} ?
Q À quel numéro répond {e} ?
# roomof | person,dept,event,course | roomno | salle
S {e} se trouve dans {v}.
S On trouve {e} dans {v}.
S La salle de {e} est {v}.
Q (Où|Dans quelle salle) (se trouve|trouve-t-on) {e} ?
Q Quelle est la salle de {e} ?
Q Où faut-il aller pour {e} ?
Q Dans quelle pièce se trouve {e} ?
# floor | room,dept,place | floor | étage
S {e} est {v}.
S On trouve {e} {v}.
S Pour {e}, il faut aller {v}.
Q À quel étage (est|se trouve|trouve-t-on) {e} ?
Q Où (est|se trouve) {e} dans le bâtiment ?
Q À quel niveau faut-il aller pour {e} ?
Q Quel est l'étage de {e} ?
# responsible | room,machine,process,dept,event | person | responsable
S {v} s'occupe de {e}.
S La personne responsable de {e} est {v}.
S Pour toute question sur {e}, il faut voir {v}.
Q Qui (s'occupe|est responsable|est chargé) de {e} ?
Q À qui (faut-il|peut-on) parler de {e} ?
Q Qui faut-il voir pour {e} ?
Q Quelle personne est responsable de {e} ?
# leader | dept,team,course | person | chef
S {v} dirige {e}.
S À la tête de {e} se trouve {v}.
S La personne qui dirige {e} est {v}.
Q Qui (dirige|mène|est à la tête de) {e} ?
Q Quel est le nom du chef de {e} ?
Q Qui est le chef de {e} ?
Q Sous la direction de qui est {e} ?
# founded | place,team,dept | year | fondation
S {e} existe depuis {v}.
S L'année de fondation de {e} est {v}.
S La fondation de {e} date de {v}.
Q Depuis quand existe {e} ?
Q (En quelle année|Quand) a-t-on fondé {e} ?
Q Quelle est l'année de fondation de {e} ?
Q De quand date {e} ?
# colour | product,vehicle,tool,machine | colour | couleur
S La couleur de {e} est le {v}.
S {e} est de couleur {v}.
S On a peint {e} en {v}.
Q (De quelle couleur est|Quelle est la couleur de) {e} ?
Q Quelle couleur a {e} ?
Q En quelle couleur est {e} ?
Q Comment est peint l'objet : {e} ?
# weight | product,vehicle,tool,machine,animal | weight | poids
S {e} pèse {v}.
S Le poids de {e} est de {v}.
S Sur la balance, {e} fait {v}.
Q (Combien|Que) pèse {e} ?
Q Quel est le poids de {e} ?
Q Combien de kilos fait {e} ?
Q Quel poids a {e} ?
# length | tool,vehicle,animal | length | longueur
S {e} mesure {v} de long.
S La longueur de {e} est de {v}.
S D'un bout à l'autre, {e} fait {v}.
Q Quelle est la longueur de {e} ?
Q Combien mesure {e} (de long|d'un bout à l'autre) ?
Q Quelle longueur a {e} ?
Q De combien est la longueur de {e} ?
# capacity | room,vehicle,place | people | capacité
S {e} peut accueillir {v}.
S La capacité de {e} est de {v}.
S Il y a de la place pour {v} dans {e}.
Q Combien de personnes (peut accueillir|entrent dans) {e} ?
Q Quelle est la capacité de {e} ?
Q Pour combien de personnes {e} a de la place ?
Q Combien de places y a-t-il dans {e} ?
# temperature | room,process,dish,machine | temp | température
S La température de {e} est de {v}.
S Il faut régler {e} sur {v}.
S Pour {e}, le thermomètre indique {v}.
Q (À quelle température|Sur combien de degrés) faut-il régler {e} ?
Q Quelle est la température de {e} ?
Q Combien de degrés faut-il pour {e} ?
Q Que montre le thermomètre pour {e} ?
# warranty | product,machine,tool,vehicle | period | garantie
S La garantie de {e} est de {v}.
S {e} a une garantie de {v}.
S Pour {e}, nous donnons {v} de garantie.
Q (De combien est|Quelle est) la garantie de {e} ?
Q Combien de temps dure la garantie de {e} ?
Q Quelle garantie a {e} ?
Q Pendant combien de temps {e} est sous garantie ?
# maintenance | machine,vehicle,tool | frequency | entretien
S L'entretien de {e} se fait {v}.
S On contrôle {e} {v}.
S {v}, un technicien vérifie {e}.
Q (Tous les combien|À quelle fréquence) contrôle-t-on {e} ?
Q Quand se fait l'entretien de {e} ?
Q À quel rythme vérifie-t-on {e} ?
Q Quelle est la fréquence d'entretien de {e} ?
# cleaning | room,machine,tool,place | frequency | nettoyage
S Le nettoyage de {e} se fait {v}.
S On nettoie {e} {v}.
S {v}, l'équipe lave {e}.
Q (Tous les combien|À quelle fréquence) nettoie-t-on {e} ?
Q Quand se fait le nettoyage de {e} ?
Q À quel rythme lave-t-on {e} ?
Q Quand l'équipe lave {e} ?
# leave | person,dept,role | days | congés
S {e} a {v} de congé par an.
S Chaque année, {e} prend {v} de congé.
S Le congé annuel de {e} est de {v}.
Q Combien de jours de (congé|vacances) a {e} ?
Q Quel est le congé annuel de {e} ?
Q Combien de temps {e} peut partir en vacances ?
Q Combien de congé prend {e} chaque année ?
# validity | ticket,doc,software | period | validité
S La validité de {e} est de {v}.
S On peut utiliser {e} pendant {v}.
S Après {v}, on ne peut plus utiliser {e}.
Q (Combien de temps|Pendant combien de temps) peut-on utiliser {e} ?
Q Quelle est la validité de {e} ?
Q Après combien de temps ne peut-on plus utiliser {e} ?
Q Jusqu'à quand {e} est valable ?
# agelimit | ticket,course,activity | age | âge minimum
S L'âge minimum pour {e} est de {v}.
S Il faut avoir au moins {v} pour {e}.
S À partir de {v}, on peut profiter de {e}.
Q Quel âge faut-il avoir pour {e} ?
Q Quel est l'âge minimum pour {e} ?
Q À partir de quel âge peut-on profiter de {e} ?
Q Dès quel âge a-t-on droit à {e} ?
# document | process,activity,doc,service,course | document | document
S Pour {e}, il faut {v}.
S {v} est nécessaire pour {e}.
S Il faut apporter {v} pour {e}.
Q (Quel document|Quel papier|Que) faut-il (apporter|présenter) pour {e} ?
Q De quoi a-t-on besoin pour {e} ?
Q Qu'est-ce qui est nécessaire pour {e} ?
Q Que demande-t-on pour {e} ?
# material | product,tool,building | material | matière
S {e} est en {v}.
S La matière de {e} est le {v}.
S On a fabriqué {e} en {v}.
Q En quoi est {e} ?
Q (En quelle matière est|Quelle est la matière de) {e} ?
Q De quelle matière est {e} ?
Q Avec quoi a-t-on fabriqué {e} ?
# nextstep | process | step | étape suivante
S Après {e}, il faut {v}.
S L'étape qui suit {e} : {v}.
S Une fois {e} en ordre, il faut {v}.
Q Que faut-il faire après {e} ?
Q Quelle est l'étape après {e} ?
Q Qu'est-ce qui suit {e} ?
Q Et après {e}, que fait-on ?
# purpose | machine,tool,room,software | purpose | usage
S {e} sert à {v}.
S On utilise {e} pour {v}.
S Le rôle de {e} est de {v}.
Q À quoi sert {e} ?
Q Pour quoi utilise-t-on {e} ?
Q Quel est le rôle de {e} ?
Q Que peut-on faire avec {e} ?
# lives | person | town | habite
S {e} habite à {v}.
S La maison de {e} se trouve à {v}.
S {e} vient de {v} tous les matins.
Q Où habite {e} ?
Q Dans quelle ville (habite {e}|se trouve la maison de {e}) ?
Q D'où vient {e} tous les matins ?
Q Quelle est la ville de {e} ?
# origin | product,dish,animal,plant | town | origine
S {e} vient de {v}.
S L'origine de {e} est {v}.
S On fait venir {e} de {v}.
Q D'où vient {e} ?
Q Quelle est l'origine de {e} ?
Q De quelle ville vient {e} ?
Q De quel endroit fait-on venir {e} ?
# distance | place,building | distance | distance
S {e} est à {v} de la gare.
S La distance jusqu'à {e} est de {v}.
S Il y a {v} jusqu'à {e}.
Q À quelle distance est {e} ?
Q Combien y a-t-il jusqu'à {e} ?
Q Quelle est la distance jusqu'à {e} ?
Q Est-ce loin jusqu'à {e} ?
# supplier | product,dish,service | company | fournisseur
S {v} livre {e}.
S Le fournisseur de {e} est {v}.
S Nous achetons {e} chez {v}.
Q Qui livre {e} ?
Q Quel est le fournisseur de {e} ?
Q Chez qui achetons-nous {e} ?
Q Quelle entreprise livre {e} ?
# load | machine,vehicle,tool | weight | charge maximale
S La charge maximale de {e} est de {v}.
S {e} peut porter {v}.
S Il ne faut pas charger {e} de plus de {v}.
Q Quelle est la charge maximale de {e} ?
Q Combien peut porter {e} ?
Q Quel poids {e} peut porter ?
Q De combien peut-on charger {e} ?
"""
