"""French word lists of the corpus (nouns carry their gender: ``m``, ``f``)."""

# domain: roles / places / things / verbs (3rd person present, past participle) / adjectives (m, f)
DOMAINS = {
    "bureau": (
        "le directeur,la secrétaire,le comptable,l'assistante,le stagiaire,la collègue,le chef,la juriste,le réceptionniste,l'employée",
        "dans le bureau,dans le couloir,dans la salle de réunion,à l'accueil,aux archives,dans le hall,à la cave",
        "le dossier m,la lettre f,le contrat m,la facture f,l'imprimante f,le clavier m,l'écran m,le tampon m,la chaise f,la lampe f,le téléphone m,le badge m,le colis m,le rapport m,le formulaire m,la signature f,le tiroir m,l'armoire f,le stylo m,le calendrier m",
        "signe signé,classe classé,copie copié,imprime imprimé,envoie envoyé,vérifie vérifié,trie trié,prépare préparé,corrige corrigé,cherche cherché,trouve trouvé,oublie oublié,range rangé,ouvre ouvert"),
    "musée": (
        "le guide,la gardienne,le conservateur,la visiteuse,le peintre,la caissière,le restaurateur,l'historienne,le bénévole,la photographe",
        "dans la galerie,au vestiaire,dans la grande salle,à la caisse,dans la boutique,dans la réserve,sur la terrasse",
        "le tableau m,la statue f,le vase m,la pièce f,le masque m,la carte f,le portrait m,le fossile m,l'épée f,la couronne f,le cadre m,la vitrine f,l'affiche f,le billet m,la brochure f,la lanterne f,l'ancre f,le globe m,la médaille f,le costume m",
        "montre montré,restaure restauré,accroche accroché,éclaire éclairé,surveille surveillé,photographie photographié,mesure mesuré,expose exposé,décrit décrit,explique expliqué,prête prêté,emballe emballé"),
    "atelier": (
        "le menuisier,la mécanicienne,le soudeur,l'apprenti,la couturière,le plombier,l'électricienne,le forgeron,la potière,le serrurier",
        "dans l'atelier,dans la cour,au garage,dans le hangar,à l'entrepôt,sous l'abri,dans la réserve",
        "le marteau m,la scie f,le tournevis m,le clou m,la vis f,la planche f,l'échelle f,la clé f,la porte f,la fenêtre f,l'étagère f,la pompe f,le moteur m,le filtre m,la vanne f,le tuyau m,la chaîne f,la roue f,le frein m,la batterie f,le câble m,l'outil m,la machine f",
        "répare réparé,visse vissé,coupe coupé,peint peint,ponce poncé,colle collé,monte monté,démonte démonté,nettoie nettoyé,huile huilé,remplace remplacé,contrôle contrôlé,soulève soulevé,fabrique fabriqué"),
    "ferme": (
        "le fermier,la bergère,le vétérinaire,l'apicultrice,le meunier,la voisine,le vigneron,la laitière",
        "dans le champ,à l'étable,dans le pré,au verger,dans la grange,près de l'étang,dans la vigne",
        "la vache f,la chèvre f,le mouton m,la poule f,le cheval m,l'âne m,le veau m,le tracteur m,le seau m,la clôture f,la ruche f,l'œuf m,la pomme f,la poire f,la citrouille f,le chou m,la carotte f,le blé m,le foin m,le fromage m",
        "nourrit nourri,trait trait,arrose arrosé,plante planté,récolte récolté,vend vendu,pèse pesé,brosse brossé,cueille cueilli,lave lavé,compte compté,garde gardé"),
    "cuisine": (
        "le cuisinier,la boulangère,le serveur,la pâtissière,le boucher,la cliente,le traiteur,la cheffe",
        "dans la cuisine,à la boulangerie,dans la salle à manger,au comptoir,dans le cellier,sur la terrasse",
        "la casserole f,le couteau m,la cuillère f,l'assiette f,le bol m,le four m,le pain m,le gâteau m,la soupe f,la sauce f,la salade f,la tarte f,l'omelette f,la pâte f,la crêpe f,la bouteille f,le tablier m,la tasse f,le verre m,la recette f,le menu m,l'oignon m,le citron m,la confiture f",
        "prépare préparé,goûte goûté,coupe coupé,sert servi,lave lavé,épluche épluché,réchauffe réchauffé,décore décoré,mélange mélangé,commande commandé,couvre couvert,achète acheté"),
    "école": (
        "le professeur,l'élève,la directrice,le surveillant,l'étudiante,la bibliothécaire,le tuteur,l'infirmière",
        "dans la classe,dans la cour,au gymnase,à la cantine,à la bibliothèque,dans la salle de musique,au laboratoire",
        "le livre m,le crayon m,la règle f,le tableau m,l'exercice m,l'examen m,le devoir m,le cartable m,le bulletin m,le dictionnaire m,l'atlas m,le poème m,la leçon f,le cahier m,la gomme f,le pinceau m,le microscope m,le certificat m,le projet m,la note f",
        "lit lu,écrit écrit,apprend appris,explique expliqué,dessine dessiné,répète répété,termine terminé,présente présenté,corrige corrigé,oublie oublié,distribue distribué,étudie étudié"),
    "hôtel": (
        "le portier,la femme de chambre,la cliente,le gérant,le touriste,la réceptionniste,le chauffeur,le voyageur",
        "à la réception,dans la chambre,au petit salon,au parking,sur le balcon,à la piscine,au restaurant",
        "la valise f,la serviette f,le lit m,l'oreiller m,le miroir m,la note f,le réveil m,l'ascenseur m,le journal m,le taxi m,le passeport m,le rideau m,le chauffage m,la douche f,le savon m,le parapluie m,le drap m,le plan m",
        "réserve réservé,annule annulé,paie payé,porte porté,nettoie nettoyé,repasse repassé,accueille accueilli,ferme fermé,ouvre ouvert,change changé,plie plié,commande commandé"),
    "jardin": (
        "le jardinier,la fleuriste,le paysagiste,la botaniste,le forestier,la voisine,le gardien du parc,la bénévole",
        "dans la serre,sur la pelouse,dans le parc,dans la forêt,près de la haie,au potager,dans l'allée",
        "la rose f,la tulipe f,la fougère f,le chêne m,le bouleau m,le buisson m,la graine f,la bêche f,le râteau m,l'arrosoir m,la tondeuse f,le pot m,le banc m,le lierre m,la lavande f,le basilic m,la menthe f,la fraise f,la laitue f,le papillon m,la grenouille f,l'écureuil m,la feuille f,la branche f,le champignon m",
        "arrose arrosé,taille taillé,plante planté,ratisse ratissé,tond tondu,sème semé,cueille cueilli,coupe coupé,admire admiré,protège protégé,dessine dessiné,ramasse ramassé"),
    "hôpital": (
        "le médecin,l'infirmier,la patiente,la chirurgienne,le dentiste,l'ambulancier,la pharmacienne,le visiteur",
        "dans la salle d'attente,aux urgences,à la pharmacie,dans la chambre,au laboratoire,dans le couloir",
        "le pansement m,le comprimé m,la seringue f,le fauteuil roulant m,le thermomètre m,l'ordonnance f,la radio f,le plâtre m,la béquille f,le sirop m,la couverture f,le vaccin m,le dossier m,l'ambulance f,le lit m,la blouse f",
        "soigne soigné,examine examiné,lave lavé,mesure mesuré,transporte transporté,surveille surveillé,change changé,désinfecte désinfecté,prescrit prescrit,apporte apporté"),
    "nature": (
        "le randonneur,la guide,l'exploratrice,le chasseur,la géologue,le pêcheur,la grimpeuse,le campeur",
        "sur la montagne,dans la vallée,au bord de la rivière,près du lac,sur la plage,sur l'île,dans la grotte,sur le glacier",
        "le renard m,le cerf m,le loup m,l'ours m,l'aigle m,le hibou m,la loutre f,le saumon m,la truite f,l'abeille f,la pierre f,le coquillage m,la plume f,le nid m,le sentier m,la tente f,le sac à dos m,la boussole f,la cabane f,le pont m,la corde f,l'étoile f,le nuage m,la cascade f",
        "voit vu,entend entendu,suit suivi,trouve trouvé,observe observé,photographie photographié,dessine dessiné,découvre découvert,traverse traversé,protège protégé,compte compté,décrit décrit"),
}

FIRST = ("Amélie Bernard Camille Denis Élise Fabrice Gaëlle Henri Inès Julien Karine Luc Manon Nicolas Odile Pascal Rémi Sylvie Thierry Valérie Yves Zoé Antoine Brigitte "
         "Cécile Didier Émilie François Geneviève Hugues Isabelle Jacques Laure Mathilde Noémie Olivier Pauline Quentin Romain Sandrine Théo Ursule Vincent Yann").split()

ADVERBS = "vite lentement prudemment souvent parfois toujours rapidement doucement soigneusement enfin encore bientôt calmement poliment seul ensemble régulièrement rarement facilement tôt tard".split()
FEELINGS_M = "content triste fatigué fier nerveux surpris calme curieux inquiet rassuré joyeux déçu".split()
FEELINGS_F = "contente triste fatiguée fière nerveuse surprise calme curieuse inquiète rassurée joyeuse déçue".split()
ADJ_M = "neuf vieux petit grand rouge bleu vert noir blanc gris lourd léger propre sale cassé rond carré solide fragile rare utile ancien moderne cher".split()
ADJ_F = "neuve vieille petite grande rouge bleue verte noire blanche grise lourde légère propre sale cassée ronde carrée solide fragile rare utile ancienne moderne chère".split()
COLOURS = "rouge bleu vert jaune noir blanc gris brun orange violet rose argenté doré turquoise beige crème".split()
MATERIALS = "chêne pin acier aluminium cuivre laiton verre plastique caoutchouc cuir coton laine soie lin bambou granit marbre argile béton papier carton liège".split()
DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
DOCUMENTS = ("une carte d'identité;un passeport;un permis de conduire;un certificat médical;un formulaire signé;un justificatif de domicile;une copie du contrat;une carte d'étudiant;"
             "une photo récente;un relevé bancaire;le ticket de caisse;une carte de membre;une demande écrite;une attestation d'assurance;la confirmation de réservation").split(";")
STEPS = ("couper le courant;fermer la vanne;enlever le couvercle;attendre le voyant vert;se laver les mains;mettre des gants;vider le bac;noter la date;prévenir le responsable;"
         "verrouiller la porte;rincer le filtre;remplir la fiche;débrancher le câble;ouvrir la fenêtre;essuyer la surface;serrer les vis;signer la liste;appeler l'assistance;"
         "remplacer le fusible;fermer le couvercle;peser l'échantillon;enregistrer le fichier;redémarrer l'ordinateur;trier les pièces;rendre la clé;huiler la chaîne;tester les freins").split(";")
PURPOSES = ("découper la tôle;ranger les vieux dossiers;accueillir les invités;sécher le linge;mélanger la peinture;former le personnel;mesurer l'humidité;réparer les vélos;"
            "soigner les blessés;tenir de petites réunions;prêter des livres;nettoyer les vitres;soulever des charges;cuire le pain;trier le courrier;observer les oiseaux;"
            "arroser les plantes;charger les batteries;enregistrer le son;emballer les colis;chauffer la salle;presser les pommes;projeter des films").split(";")
