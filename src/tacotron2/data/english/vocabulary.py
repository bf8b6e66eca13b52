"""The words of the demo corpus, by the role they play in a sentence.

Written as `singular/plural` and `base/past/participle` where the regular forms of `inflection.py` would be
wrong. A star marks a spelling that a reader cannot guess from other words: such a word, like one with
irregular forms, is never reserved for the held-out sentences. Words whose sound depends on the context
(read, wind, tear, close) are left out on purpose.
"""

from __future__ import annotations

NOUNS: dict[str, str] = {
    "person": """
        acrobat actor actress adult artist astronaut author bachelor baker banker barber bishop boss boxer
        boy bride builder burglar butcher captain carpenter cashier champion chef* chemist child/children
        clerk clown coach composer* conductor cook cowboy dancer dentist detective diver doctor dreamer
        driver drummer duchess duke editor electrician emperor engineer explorer farmer fireman/firemen
        fisherman/fishermen gambler gardener girl groom guard* guest* guide* guitarist helper hermit
        hero/heroes hunter inventor janitor jester jeweler* jockey joiner judge juggler juror king knight*
        lady lawyer leader librarian magician* manager mayor mechanic* medic messenger* milkman/milkmen
        miner minister monk musician* nanny neighbor* nun nurse officer orphan owner painter partner
        pianist* pilot pirate player plumber* poet policeman/policemen porter potter priest* prince
        princess prophet queen rabbi ranger referee reporter rider robber runner sailor scholar* scientist*
        senator settler shepherd* shopper singer skater skier* soldier* spy stranger student surgeon*
        swimmer tailor teacher teenager thief/thieves toddler tourist* trader trainer traveler trucker
        tutor vet victor villain* violinist visitor voter waiter waitress warden weaver winner witness
        wizard woman/women worker wrestler* writer* zookeeper""",
    "kin": """
        aunt* boyfriend* brother cousin* dad daughter* father friend* girlfriend* grandfather grandmother
        grandson granny husband mom mother nephew niece* sister son* stepson twin uncle wife/wives""",
    "animal": """
        alligator ant antelope badger bat bear* beaver bee beetle bird bobcat buffalo bull bulldog
        butterfly camel canary cat cheetah* chicken chipmunk cobra cow coyote* crab cricket crocodile crow
        deer/deer dog dolphin donkey dragon duck eagle elephant falcon ferret finch fly fox frog gazelle
        gerbil giraffe* goat goose/geese gopher gorilla* grasshopper hamster hare hawk hedgehog hen hippo
        hornet horse hyena* iguana* jackal jaguar* kangaroo kitten koala* ladybug lamb* leopard* lion
        lizard llama* lobster lynx magpie mole monkey moose/moose moth mouse/mice mule ostrich otter owl
        ox/oxen oyster panda panther parrot peacock pelican penguin* pig pigeon* pony poodle possum puffin
        puppy quail rabbit raccoon* rat raven reindeer/reindeer robin rooster salmon*/salmon seal shark
        sheep/sheep shrimp skunk slug snail snake spaniel sparrow spider squid squirrel* stork swan tiger
        toad tortoise* trout/trout turkey turtle walrus wasp* weasel whale wolf/wolves* wombat* worm yak
        zebra""",
    "thing": """
        album anchor* apron arrow axe badge bag ball balloon banner barrel basket bat battery bed bell belt
        bench blanket blender bolt book bottle bowl* box bracelet brick broom* brush bucket buckle* bundle
        button cabinet cable calculator calendar camera candle cane card carpet cart carton cello* chain
        chair chart chest chip clock cloth coin collar comb* compass computer cork couch cradle crate
        crayon cup cupboard* curtain cushion desk diamond* diary dice/dice dish doll drawer drill drum
        dustbin engine* envelope eraser fan faucet feather* fence flag flashlight* flute fork frame freezer
        funnel gadget gate glass globe hammer hammock handle harp heater helmet hinge* hook horn hose iron*
        jar jigsaw jug kettle key keyboard kite knife/knives label lace ladder lamp lantern laptop leaflet
        lens letter lever lock locket lotion magazine* magnet mallet map marble marker mask mat match
        mattress medal menu mirror mitten mixer model mop motor mug nail napkin necklace needle net
        newspaper notebook oar* oven package paddle padlock page paintbrush painting pan parcel passport
        pen pencil phone picture* pillow pin pipe piston pitcher plate plug pocket postcard poster pot
        prize projector pump puppet purse* puzzle quill* quilt* racket radio rag rake razor ribbon ring
        robot rock rocket rope rucksack rug ruler saddle satchel saucepan scale scanner scooter screen
        screw* scroll shawl shelf/shelves shovel shutter sink skillet sled sofa spade spanner sponge* spoon
        spring stamp statue* stick stool stove strap string suitcase* switch sword* table tablet teapot
        telescope tent thimble thread* ticket tile toaster token tool torch towel* toy tractor tray trolley
        trophy trumpet trunk turbine tweezer umbrella vacuum* valve vase vest violin wagon wallet washer
        watch* wheel whip whistle* wig wire wrench* zipper""",
    "food": """
        almond* apple apricot avocado bagel banana bean beet berry biscuit* blueberry bun burger cabbage
        cake carrot cashew cherry chestnut* coconut cookie cracker cucumber cupcake date doughnut* dumpling
        egg fig grape grapefruit* hazelnut kiwi leek lemon lime mango melon muffin mushroom noodle nut
        olive omelet onion* orange pancake papaya* parsnip pastry pea peach peanut pear* pepper pickle pie*
        pineapple pizza* plum potato/potatoes pretzel pumpkin radish raisin raspberry* sandwich sausage*
        shallot steak* strawberry taco tangerine tart toffee tomato/tomatoes truffle turnip waffle walnut
        yam zucchini*""",
    "clothes": """
        anorak bathrobe beret* blazer blouse* bonnet boot cap cape cardigan cloak coat costume dress glove*
        gown hat headband hood jacket jersey kilt kimono mask poncho pullover raincoat robe sandal sari
        scarf/scarves shirt shoe* skirt slipper sneaker sock suit* sweater* tiara* tie turban tuxedo
        uniform veil* waistcoat""",
    "place": """
        airport alley* arcade arena attic avenue bakery balcony bank barn basement bathroom bedroom
        bookshop border bridge building* bunker cabin cafe* camp canteen casino castle* cellar chapel
        church cinema circus city classroom clinic college corner cottage court dairy deli depot diner dock
        factory farm fortress fountain garage garden gym hall hallway harbor hospital hostel hotel inn
        kitchen laboratory larder laundry library lighthouse lobby lodge mansion market mill monastery
        museum* nursery office orchard* palace park parlor pier* playground plaza pool prison quarry
        restaurant* school* shop square stable stadium station store street studio suburb subway tavern
        temple terrace theater tower town tunnel university village vineyard* workshop zoo""",
    "nature": """
        bay beach bog canal canyon cave cliff coast creek desert* dune field* forest glacier* gorge hill
        island* jungle lagoon lake marsh meadow* moor mountain ocean* plain pond prairie* reef ridge river
        shore stream summit swamp valley volcano waterfall* wood""",
    "vehicle": """
        ambulance bicycle* boat bus cab canoe* car caravan carriage* ferry helicopter jeep jet kayak*
        limousine* motorcycle plane raft rickshaw sailboat scooter ship sled spaceship speedboat submarine
        tank taxi trailer train tram truck van wagon zeppelin""",
    "plant": """
        acorn aspen bamboo beech birch bramble bush* cactus cedar chestnut* clover cypress* daffodil* daisy
        dandelion elm fern fir hazel hedge iris ivy jasmine larch lavender lilac* lily maple moss oak
        orchid* palm* pine poppy rose shrub spruce sunflower thistle* tree tulip vine violet weed willow""",
    "body": """
        ankle arm back belly cheek chest chin elbow eye* finger foot/feet hand head* heel hip jaw knee* leg
        lip neck nose shoulder* stomach* thumb* toe tooth/teeth wrist*""",
    "topic": """
        accident answer* argument battle bill birthday budget bug concert contest crime custom debt* dream
        election event exam fashion festival film fire flood* future gift goal hobby holiday idea issue job
        joke journey* lesson letter lunch meeting memory mistake movie mystery myth option order outing
        parade party picnic plan play plot poem price problem project proverb question quiz/quizzes reason
        recipe report result riddle rule rumor season secret ship signal speech storm story strike subject
        tale target task tax test theory topic tornado tradition trap trick trip truth vacation victory
        vote weather* wedding weekend yacht*""",
}

VERBS: dict[str, str] = {
    "act": """
        act agree argue arrive blink blush boast bounce camp cheer chuckle complain cough* crawl cry dance
        doze dream drift eat/ate/eaten escape exercise faint fall/fell/fallen fidget frown gasp giggle grin
        hesitate hike hop hum hurry jog joke juggle jump kneel/knelt* laugh* limp listen* march mumble
        mutter nap nod panic/panicked pause practice pray relax rest rise/rose/risen run/ran/run rush
        scream shiver shout sing/sang/sung sit/sat skate sleep/slept smile sneeze snooze snore sob
        speak/spoke/spoken stammer stand/stood stare stretch struggle stumble succeed suffer surf surrender
        sweat* swim/swam/swum talk* tremble triumph vanish volunteer vote wait walk* wander* wave weep/wept
        whisper whistle* win/won/won wink wobble work* worry* yawn yell yodel""",
    "stir": """
        bite/bit/bitten climb* crawl creep/crept dig/dug doze drink/drank/drunk drool eat/ate/eaten escape
        fidget growl hide/hid/hidden hiss howl hunt jump leap limp nap panic/panicked play prowl purr
        quiver rest roam roll run/ran/run scamper scratch shiver sleep/slept sneeze sniff snore snort
        squeak* squirm stretch swim/swam/swum twitch vanish wait wiggle wriggle* yawn yelp""",
    "use": """
        adjust admire balance bend/bent borrow brandish break/broke/broken bring/brought burn buy/bought
        carry catch/caught check choose/chose/chosen clean collect copy count cover* crack damage decorate
        deliver describe design destroy display draw/drew/drawn drop dust empty examine exchange fasten
        fetch find/found fix fold* gather grab grip hide/hid/hidden hold/held inspect invent keep/kept kick
        label lend/lent lift lose/lost measure* mend move* notice offer order pack paint pawn photograph
        poke polish print protect prove* pull push* recycle remove* rent repair replace ruin save scratch
        scrub select sell/sold send/sent shake/shook/shaken sharpen shove* sketch smash spin/spun spot
        squeeze* steal/stole/stolen store tap tease test throw/threw/thrown tilt toss touch* trade trim
        twist unpack unwrap* varnish wash* weigh* wrap* yank zap""",
    "cook": """
        bake boil chew chop cook devour dip dry eat/ate/eaten enjoy freeze/froze/frozen fry grill heat
        inspect juggle mash munch nibble order peel pick pickle roast salt sample season serve share slice
        smell sniff squash* steam stew stir store taste toast try want* wash* weigh*""",
    "meet": """
        admire advise amuse annoy answer* assist avoid* baffle blame bother bribe call chase
        choose/chose/chosen comfort convince cure delight distract doubt* encourage envy escort fear follow
        fool forget/forgot/forgotten forgive/forgave/forgiven frighten* greet guide* help hire humor ignore
        imitate impress interrupt interview invite join know*/knew/known like love* meet/met miss mock nag
        obey* offend pardon pay/paid phone pity please praise protect punish question quiz/quizzed remember
        rescue respect reward satisfy scare* scold* seek/sought serve shock spot startle support surprise
        teach/taught tease thank train trick trust upset/upset value* visit wake/woke/woken warn* watch*
        welcome""",
    "wear": """
        borrow buy/bought fold* hang/hung iron* lose/lost mend pack sew/sewed/sewn stitch try want* wash*
        wear/wore/worn zip""",
    "fancy": """
        admire adore crave* dislike enjoy hate like love* miss need own* prefer/preferred value* want*""",
    "go": """
        amble cycle dash drive/drove/driven flee/fled fly/flew/flown gallop go/went/gone hike hurry jog
        march move* race return ride/rode/ridden run/ran/run rush sail skip sneak/snuck speed/sped stagger
        stride/strode stroll travel trek walk* wander*""",
    "say": """
        add admit/admitted announce answer* ask beg bellow bluff boast chant claim cry exclaim explain
        grumble* grunt insist joke lie mumble murmur mutter repeat reply scream shout shriek* sigh* snap
        sob whine whisper yell""",
}

OTHERS: dict[str, str] = {
    "mood": """
        absent active afraid alert amazed amused angry anxious* ashamed awake awkward* bitter bold* bored
        brave brilliant busy* calm* careful careless charming cheerful clever clumsy complex confused
        cranky crazy curious* dazed dizzy drowsy eager elegant excited exhausted* faithful famous* fearless
        fierce* fit fond foolish forgetful frank friendly* frightened* funny fussy* generous gentle glad
        gloomy graceful grateful greedy grumpy guilty* handsome happy harmless healthy* helpful helpless
        honest* hopeful humble hungry idle innocent jealous* jolly keen kind* lazy lively lonely lost
        lovely loyal lucky mad merry messy modest naughty* neat nervous nice noisy obedient patient*
        playful pleasant* polite poor* popular proud punctual puzzled quick quiet* quirky reckless relaxed
        restless rich rude sad savage selfish sensible serious* shy silent silly sincere sleepy slim slow
        sly smart smug sober stern strict strong stubborn stupid sulky talented tall* tame tender thankful
        thirsty thoughtful* tidy timid tired tough* upset vain vigilant wealthy* weary weird wicked wild*
        wise witty worried* young* zany""",
    "look": """
        ancient* antique* bent big blunt brass broken bulky bumpy cheap chipped clean common* compact
        cracked crooked crude curved damp delicate dented dirty dull dusty elastic electric* empty*
        enormous exotic expensive faded fake fancy fine flat flimsy fluffy fragile funny fuzzy giant*
        gigantic glossy golden grand greasy handy hard heavy* hollow huge large leather* light* little long
        loose* massive messy metal modern muddy narrow new odd old* ordinary oval pale paper plain plastic
        plump polished precious* proper quaint* rare rigid rough* round rubber rusty scratched secret
        shabby shallow sharp shiny short silken simple sleek slender slim slippery small smooth* soft*
        solid spare special* spotted square stained steel sticky stiff stolen strange striped sturdy thick
        thin tidy tight* tiny twisted ugly unique* useful useless valuable vast warped wet wide wooden*
        woolen* worthless""",
    "color": """
        amber beige* black blue* bronze brown copper cream crimson emerald golden gray green indigo jade
        khaki* lilac* maroon mauve* navy orange pink purple red ruby sapphire* scarlet silver tan
        turquoise* velvet violet white yellow""",
    "flavor": """
        bitter bland burnt chewy* chilled cold* crisp crispy crunchy delicious* dried fresh fried frozen
        greasy hot juicy* mild moldy* raw rich ripe roasted rotten salted salty smoked sour* spicy stale
        sticky sugary* sweet tasty tender warm*""",
    "dish": """
        bacon barley beef bread* broccoli broth butter cake candy caramel celery cereal cheese chili*
        chocolate cider cocoa* coffee corn cream custard fish flour* fruit* fudge garlic ginger gravy ham
        honey* ice jam jelly juice* ketchup lamb* lemonade lettuce* maize meat milk mustard oatmeal pasta
        pepper popcorn pork porridge pudding* punch rice salad salt sauce soda soup* spaghetti* spinach
        stew sugar* syrup tea toast trifle tuna turkey vanilla vinegar water* wheat wine yogurt""",
    "sky": """
        breezy bright* chilly clear cloudy cold* cool damp dark dismal drizzly dry dull foggy freezing
        frosty gray gusty hazy hot humid icy mild misty muggy rainy snowy stormy sunny warm* wet windy""",
    "view": """
        amazing awful* bad boring brutal confusing crazy crowded* cruel curious* dangerous* difficult
        dreadful* dreary easy excellent exciting expensive fabulous fair false famous* fantastic fine
        foolish funny good grand great* grim hard harmless hopeless horrible impossible interesting lovely
        magic marvelous mysterious new nice obvious odd ordinary peaceful perfect plain pleasant* possible
        pretty* private puzzling quiet* rare ridiculous risky sad safe serious* shocking silly simple
        sinister splendid strange stunning stupid superb tedious terrible thrilling tragic tricky true*
        typical ugly unfair unlucky unusual urgent useful useless vivid vulgar weird wicked wonderful*
        wrong*""",
    "how": """
        angrily anxiously* awkwardly* badly bitterly blindly boldly* bravely briefly brightly* briskly
        calmly* carefully carelessly cautiously* cheerfully clearly cleverly closely clumsily coldly*
        completely curiously* deeply eagerly easily elegantly fairly faithfully fiercely* firmly foolishly
        frankly freely gently gladly gloomily gracefully greedily grimly happily hastily* honestly*
        hungrily idly instantly jealously* joyfully keenly kindly* lazily lightly* loudly loyally madly
        meekly merrily mildly modestly mysteriously neatly nervously nicely noisily oddly openly patiently*
        perfectly playfully politely properly proudly quickly quietly* randomly rapidly rarely recklessly
        rudely sadly safely secretly selfishly seriously* sharply shyly silently slowly softly* solemnly*
        steadily* sternly stiffly strangely strictly stubbornly stupidly suddenly swiftly tamely tenderly
        thankfully tightly* vaguely* vainly warmly* weakly wickedly wildly* wisely zealously*""",
    "where": """
        alone* daily fast forever indoors outdoors upstairs well""",
    "study": """
        algebra anatomy art biology botany chemistry* dance drama economics English finance French
        geography geology* German grammar Greek history Italian Japanese jazz Latin law logic magic math
        medicine music* opera physics* poetry politics rhetoric* Russian* science* Spanish statistics
        Turkish yoga*""",
    "game": """
        badminton baseball basketball billiards bingo bridge cards checkers chess cricket darts football
        golf* hockey lacrosse* marbles poker polo rugby soccer softball* squash* tennis volleyball""",
    "music": """
        accordion* banjo bassoon cello* clarinet cornet drum fiddle flute gong guitar harmonica harp horn
        lute mandolin oboe organ piano saxophone* tambourine* trombone trumpet tuba viola* violin whistle*
        xylophone*""",
    "name": """
        Abigail* Adam Adrian Agnes* Albert Alex Alfred Alice Amanda Amber Amy Andrew* Angela Anna Anthony
        Arnold Arthur Audrey* Barbara Becky Ben Bernard Beth Betty Bill Bob Brandon Brenda Brian* Bridget
        Bruno Carl Carmen Carol Cedric Charles* Charlotte* Chester Clara Clark Claudia* Colin Connor
        Cynthia Daisy Daniel David* Debbie Dennis Derek Diana Dominic Donald Doris Douglas Dylan* Eddie
        Edgar Edith Edward Elizabeth Ella Elliot Emily Emma Eric Esther* Ethan Eva* Evelyn* Felix Fiona
        Floyd Frank Fred Gabriel* Gary George* Gilbert Gloria Gordon Grace Greta Gus Hank Hannah Harold
        Harriet Harry Hazel Hector Helen Henry Holly Howard Hugo Ingrid Irene* Iris Isaac* Isabel Ivan Jack
        Jacob Jake Jan Jane Jasmine Jason Jasper Jeff Jennifer Jenny Jeremy Jerry Jessica Jill Jim Joan Joe
        John* Jordan Joseph* Joyce Judy Julia Justin Karen Kate Keith* Kelly Kenneth Kevin Kim Kurt Larry
        Laura* Lauren* Leo Leonard* Leslie Liam* Linda Lisa Logan Louis* Lucas Lucy Luke Lydia Mabel Marcus
        Margaret Maria Mark Martha Martin Marvin Mary* Matthew* Max Maxine Megan Melissa Michael* Mildred
        Molly Monica Morris Nancy Natalie Nathan Ned Nick Nigel Nina Nora Norman Olga Oliver Olivia Oscar
        Otto Owen* Pamela Patrick Paul* Paula* Peggy Penny Percy Peter Philip Quentin Quincy Rachel Ralph
        Ray Rebecca Rex Richard Rita Robert Robin Roger Rosa Roy Ruby Russell Ruth Sally Sam Samantha
        Sandra Sarah* Scott Sean* Sharon Shirley Sidney Silvia Simon Sofia Stanley Stella Steven* Stuart*
        Susan Sylvester Ted Teresa* Thomas* Tina Toby Tom Tracy Trevor Valerie Vanessa Vera* Victor
        Victoria Vincent Violet Virginia Vivian Walter Wanda* Wendy Wesley Wilbur William Winston Xavier*
        Yolanda Yvonne* Zachary* Zelda Zoe*""",
    "city": """
        Africa Alaska Albany Amsterdam Arizona Asia Athens Atlanta Austin Austria Bangkok Barcelona Belfast
        Berlin Bolivia Boston Brazil Bristol Brooklyn* Brussels Budapest Cairo* California Canada Chester
        Chicago* Chile* China* Colorado Cuba Dallas Delhi* Denmark Denver Detroit Dover Dublin Egypt
        England* Europe* Finland Florida France Geneva Georgia Germany Ghana* Greece Hamburg Helsinki
        Holland Houston* Hungary India Iowa* Ireland* Istanbul Italy Jamaica Japan Jersey Jordan Kansas
        Kentucky Kenya Kuwait* Lisbon London* Madrid Manchester Melbourne* Memphis Mexico Miami* Milan
        Monaco Montana Morocco Moscow Munich* Naples Nepal Nevada Norway Orlando Oslo Oxford Panama Paris
        Peru Phoenix* Poland Portugal Prague* Quebec Rome Scotland Sicily Spain Stockholm Sweden Sydney
        Syria Texas Tibet Tokyo Toronto Tunisia Turin Turkey Uganda* Utah* Venice Vermont Vienna* Virginia
        Wales Warsaw York Zagreb Zurich""",
    "surname": """
        Abbott Adams Bailey Baker Barnes Bennett Bishop Black Bolton Brown Burton Butler Campbell* Carter
        Cole Collins Cooper Cox Crawford Dalton Davis Dixon Drake Edwards Elliott Evans Fisher Fletcher
        Ford Foster Fox Franklin Gibson Grant Green Griffin Hall Hamilton Hansen Harper Harris Higgins Hill
        Hudson Hunt Jackson Jenkins Johnson Jones Kent King Lambert Larson Lawson Lewis Lincoln* Marsh
        Marshall Mason Maxwell Miller Mitchell Morgan Murphy Nelson Newton Nixon Norris Olson Palmer Parker
        Perkins Porter Potter Powell Price Quinn Reed Reynolds Riley Roberts Robinson Rogers Rollins Ross
        Sanders Saxon Sharp Shaw Simpson Smith Spencer Stevens Stone Sutton Taylor Thompson* Turner Tyler
        Vance Vaughn* Vogel Wagner Walker* Wallace Ward* Warren Watson Webb Weston White Wilcox Wilson Wood
        Wright* Young* Zimmer""",
    "number": """
        two* three four five six seven eight* nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen* nineteen twenty thirty forty fifty sixty seventy eighty* ninety""",
    "ordinal": """
        first* second third fourth fifth sixth seventh eighth* ninth tenth last next""",
    "hour": """
        one* two* three four five six seven eight* nine ten eleven twelve noon midnight*""",
    "day": """
        Monday* Tuesday* Wednesday* Thursday* Friday* Saturday* Sunday*""",
    "month": """
        January February* March April May June July August September October November December""",
}

# Small classes stay whole: every one of their words may be needed to keep a sentence natural.
NEVER_HELD_OUT = frozenset({"number", "ordinal", "hour", "day", "month", "kin", "say", "where"})
