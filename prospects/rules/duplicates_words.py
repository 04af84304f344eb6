"""Word tables of duplicate detection: nicknames, titles before names, legal forms behind them."""

from prospects.rules.normalise import word_set

# One line a name: the root, then what people call it. A short form of two names stands at the commoner one.
_NICKNAMES = """
alexander alex alec sandy xander sascha alessandro alejandro alexandre aleksander
alexandra alexa lexi sandra alessandra alejandra
andrew andy drew andreas andrea andre andres
anthony tony antonio anton antoine toni
anna ana anne annie ann hannah
barbara barb babs
benjamin ben benny benji benjamim
catherine kate katie kathy cathy katherine kathryn cat katharina katrin catarina katarzyna
charles charlie chuck carlos karl carl carlo
christina chris tina christine kristina cristina
christopher kris christoph christophe cristoforo
daniel dan danny daniele
david dave davey
deborah deb debbie
dominic dom dominik dominique
donald don donny
douglas doug
edward ed eddie ted eduardo edoardo
elizabeth liz beth betsy lizzie eliza lisa elisabeth elisabetta isabel
emily em emilia
eugene gene eugen
francis frank francisco francesco franz francois paco
frederick fred freddy frederik friedrich federico fritz
gabriel gabe gabriele
george jorge georg giorgio georges
gerald gerry jerry gerhard gerard
gregory greg gregor
henry harry hank heinrich enrico enrique henri
jacob jake jakob
james jim jimmy jamie
jennifer jen jenny jenn
jeffrey jeff geoff geoffrey
johannes hans
john johnny jon jack juan jean johann giovanni joao
jonathan jonny
joseph joe joey jose josef giuseppe pepe
joshua josh
judith judy
kenneth ken kenny
kimberly kim
lawrence larry laurence lorenzo laurent
leonard len lenny leo leonardo leon
louis lou luis luigi ludwig
margaret maggie meg peggy marge greta margarete
maria mary marie mia
mark marc marcus markus marco marcos
martin marty martino
matthew matt matteo matthias mateo mathieu
maximilian max maxim massimiliano
michael mike mick mikey michel miguel michele mikael
nathaniel nate nathan nat
nicholas nick nicky nico nicolas nikolaus niccolo klaus
olivia liv livia
oliver ollie olivier
pamela pam
patricia pat patty tricia trish
patrick paddy patrik patrice patrizio
paul pablo paolo paulo
peter pete petra pedro pietro pierre
philip phil phillip philipp philippe filippo felipe
raymond ray raimund raimondo
rebecca becky becca rebekka
richard rick dick rich ricky ricardo riccardo
robert rob bob bobby robbie roberto
ronald ron ronny
samuel sam sammy
samantha sammie
stephanie steph steffi stefanie
stephen steve steven stefan stefano stephan etienne esteban
susan sue susie suzanne susanne
teresa theresa terry tess
theodore theo teddy
thomas tom tommy tomas tommaso
timothy tim timmy
tobias tobi toby
valentina vale val
veronica vero ronnie
victor vic vittorio
victoria vicky tori vicki
vincent vince vinny vincenzo vicente
walter walt wally
william bill will billy liam willie wilhelm guillermo guglielmo guillaume
wolfgang wolf
zachary zach zack
"""
ROOTS: dict[str, str] = {}
for _line in _NICKNAMES.strip().splitlines():
    _root, *_short = _line.split()
    for _word in (_root, *_short):
        ROOTS.setdefault(_word, _root)

HONORIFICS = word_set(
    "mr mrs ms miss dr prof professor herr frau dipl ing mag med phil rer nat mba phd msc bsc sir don dona mme mlle sr sra"
)
GENERATIONS = word_set("jr junior ii iii iv")

LEGAL_FORMS = word_set(
    """inc incorporated corp corporation co company companies ltd limited llc llp lp plc gmbh mbh ag kg kgaa ohg gbr ug ev se sa
    sas sasu sarl srl spa sl slu lda ltda bv nv oy oyj ab asa as aps pty pte kk kft zrt sro doo ood eood ooo pjsc holding
    holdings group gruppe groupe the and und et e y"""
)
