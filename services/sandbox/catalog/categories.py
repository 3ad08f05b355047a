"""The category tree: eight departments, two aisles each, three kinds of product in an aisle. Data first."""

from dataclasses import dataclass

from services.sandbox.catalog import vocabulary as v
from services.sandbox.catalog.localized_text import Word

Words = tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A third-level category: one kind of product."""

    category_id: int
    noun: Word
    price_yuan: tuple[int, int]
    """The lowest and highest wholesale price."""
    weight_grams: int
    sizes: Words
    unit: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Aisle:
    """A second-level category."""

    category_id: int
    name: Word
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A first-level category, with the words its products are described by."""

    category_id: int
    name: Word
    styles: Words
    materials: Words
    aisles: tuple[Aisle, ...]


# category id, noun in four languages, price range in yuan, weight in grams, sizes, unit
_KindRow = tuple[int, Word, tuple[int, int], int, Words, Word]


def _aisle(category_id: int, name: Word, *rows: _KindRow) -> Aisle:
    kinds = tuple(
        Kind(category_id=id_, noun=noun, price_yuan=price, weight_grams=weight, sizes=sizes, unit=unit)
        for id_, noun, price, weight, sizes, unit in rows
    )
    return Aisle(category_id=category_id, name=name, kinds=kinds)


def _department(category_id: int, name: Word, styles: Words, materials: Words, *aisles: Aisle) -> Department:
    return Department(category_id=category_id, name=name, styles=styles, materials=materials, aisles=aisles)


# ruff: noqa: E501 - a table reads best with one product a line, and so:
# fmt: off
DEPARTMENTS = (
    _department(
        10166, Word("女装", "Women's clothing", "レディース", "thời trang nữ"), v.WEAR_STYLES, v.WEAR_MATERIALS,
        _aisle(
            1031901, Word("裙装", "Dresses and skirts", "ワンピース・スカート", "váy"),
            (1031910, Word("连衣裙", "dress", "ワンピース", "váy liền"), (25, 120), 350, v.CLOTHES_SIZES, v.PIECE),
            (1031911, Word("半身裙", "skirt", "スカート", "chân váy"), (18, 80), 280, v.CLOTHES_SIZES, v.PIECE),
            (1031912, Word("背带裙", "pinafore", "ジャンパースカート", "váy yếm"), (22, 95), 380, v.ONE_SIZE, v.PIECE),
        ),
        _aisle(
            1031902, Word("上装", "Tops", "トップス", "áo"),
            (1031920, Word("衬衫", "shirt", "シャツ", "áo sơ mi"), (16, 70), 220, v.CLOTHES_SIZES, v.PIECE),
            (1031921, Word("毛衣", "sweater", "セーター", "áo len"), (25, 130), 450, v.ONE_SIZE, v.PIECE),
            (1031922, Word("外套", "coat", "コート", "áo khoác"), (40, 220), 800, v.CLOTHES_SIZES, v.PIECE),
        ),
    ),
    _department(
        54, Word("服饰配件、饰品", "Accessories and jewellery", "アクセサリー", "phụ kiện và trang sức"), v.SMALL_STYLES, v.SMALL_MATERIALS,
        _aisle(
            1031601, Word("首饰", "Jewellery", "ジュエリー", "trang sức"),
            (1031610, Word("耳环", "earrings", "イヤリング", "bông tai"), (2, 30), 20, v.ONE_SIZE, v.PIECE),
            (1031611, Word("项链", "necklace", "ネックレス", "vòng cổ"), (3, 60), 35, v.ONE_SIZE, v.PIECE),
            (1031612, Word("戒指", "ring", "指輪", "nhẫn"), (1, 45), 12, v.THREE_SIZES, v.PIECE),
        ),
        _aisle(
            1031602, Word("配件", "Accessories", "小物", "phụ kiện"),
            (1031620, Word("围巾", "scarf", "スカーフ", "khăn quàng"), (8, 60), 150, v.ONE_SIZE, v.PIECE),
            (1031621, Word("帽子", "hat", "帽子", "mũ"), (6, 48), 110, v.ONE_SIZE, v.PIECE),
            (1031622, Word("发夹", "hair clip", "ヘアクリップ", "kẹp tóc"), (1, 15), 25, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _department(
        2, Word("食品酒水", "Food and drinks", "食品・飲料", "thực phẩm và đồ uống"), v.FOOD_STYLES, v.FOOD_MATERIALS,
        _aisle(
            1032913, Word("休闲食品", "Snacks", "お菓子", "đồ ăn vặt"),
            (1032914, Word("饼干", "cookies", "クッキー", "bánh quy"), (1, 40), 500, v.PACKS, v.BOX),
            (1032915, Word("糖果", "candy", "キャンディ", "kẹo"), (2, 35), 400, v.PACKS, v.BOX),
            (1032916, Word("坚果", "nuts", "ナッツ", "hạt dinh dưỡng"), (8, 90), 600, v.PACKS, v.BOX),
        ),
        _aisle(
            1032917, Word("冲饮", "Beverages", "飲み物", "đồ uống"),
            (1032918, Word("茶叶", "tea leaves", "茶葉", "trà"), (10, 180), 250, v.PACKS, v.BOX),
            (1032919, Word("咖啡", "coffee", "コーヒー豆", "cà phê"), (12, 120), 350, v.PACKS, v.BOX),
            (1032920, Word("果汁", "juice", "ジュース", "nước ép"), (3, 45), 1000, v.PACKS, v.BOX),
        ),
    ),
    _department(
        15, Word("家居日用品", "Home and daily use", "生活雑貨", "đồ gia dụng"), v.HOME_STYLES, v.HOME_MATERIALS,
        _aisle(
            1033101, Word("餐厨", "Kitchen and dining", "キッチン", "nhà bếp"),
            (1033110, Word("马克杯", "mug", "マグカップ", "cốc"), (4, 45), 380, v.ONE_SIZE, v.ITEM),
            (1033111, Word("餐盘", "plate", "お皿", "đĩa"), (3, 50), 420, v.THREE_SIZES, v.ITEM),
            (1033112, Word("保温瓶", "thermos bottle", "水筒", "bình giữ nhiệt"), (15, 98), 460, v.THREE_SIZES, v.ITEM),
        ),
        _aisle(
            1033102, Word("收纳家饰", "Storage and decoration", "収納・インテリア", "lưu trữ và trang trí"),
            (1033120, Word("收纳盒", "storage box", "収納ボックス", "hộp đựng đồ"), (5, 60), 650, v.THREE_SIZES, v.ITEM),
            (1033121, Word("台灯", "desk lamp", "デスクランプ", "đèn bàn"), (18, 150), 900, v.ONE_SIZE, v.ITEM),
            (1033122, Word("花瓶", "vase", "花瓶", "bình hoa"), (8, 110), 750, v.THREE_SIZES, v.ITEM),
        ),
    ),
    _department(
        7, Word("数码配件", "Digital accessories", "デジタル小物", "phụ kiện số"), v.DIGITAL_STYLES, v.DIGITAL_MATERIALS,
        _aisle(
            1034201, Word("手机配件", "Phone accessories", "スマホ用品", "phụ kiện điện thoại"),
            (1034210, Word("手机壳", "phone case", "スマホケース", "ốp điện thoại"), (2, 35), 45, v.ONE_SIZE, v.ITEM),
            (1034211, Word("充电器", "charger", "充電器", "bộ sạc"), (8, 75), 120, v.ONE_SIZE, v.ITEM),
            (1034212, Word("数据线", "data cable", "ケーブル", "cáp dữ liệu"), (2, 30), 60, v.THREE_SIZES, v.ITEM),
        ),
        _aisle(
            1034202, Word("影音配件", "Audio accessories", "オーディオ", "phụ kiện âm thanh"),
            (1034220, Word("耳机", "headphones", "ヘッドホン", "tai nghe"), (12, 260), 180, v.ONE_SIZE, v.ITEM),
            (1034221, Word("音箱", "speaker", "スピーカー", "loa"), (20, 320), 700, v.ONE_SIZE, v.ITEM),
            (1034222, Word("麦克风", "microphone", "マイク", "micro"), (15, 180), 300, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _department(
        1813, Word("玩具", "Toys", "おもちゃ", "đồ chơi"), v.TOY_STYLES, v.TOY_MATERIALS,
        _aisle(
            1035301, Word("益智玩具", "Educational toys", "知育玩具", "đồ chơi giáo dục"),
            (1035310, Word("积木", "building blocks", "ブロック", "khối xếp hình"), (8, 120), 550, v.THREE_SIZES, v.SET),
            (1035311, Word("拼图", "puzzle", "パズル", "tranh ghép"), (4, 60), 350, v.THREE_SIZES, v.SET),
            (1035312, Word("魔方", "magic cube", "ルービックキューブ", "khối rubik"), (3, 40), 110, v.ONE_SIZE, v.ITEM),
        ),
        _aisle(
            1035302, Word("娃娃车模", "Dolls and models", "人形・模型", "búp bê và mô hình"),
            (1035320, Word("玩偶", "doll", "人形", "búp bê"), (6, 90), 260, v.THREE_SIZES, v.ITEM),
            (1035321, Word("玩具车", "toy car", "ミニカー", "xe đồ chơi"), (5, 140), 320, v.ONE_SIZE, v.ITEM),
            (1035322, Word("风筝", "kite", "凧", "diều"), (5, 55), 210, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _department(
        1042954, Word("箱包皮具", "Bags and leather goods", "バッグ・革製品", "túi xách và đồ da"), v.BAG_STYLES, v.BAG_MATERIALS,
        _aisle(
            1036401, Word("包袋", "Bags", "バッグ", "túi"),
            (1036410, Word("双肩包", "backpack", "リュック", "ba lô"), (20, 180), 750, v.ONE_SIZE, v.ITEM),
            (1036411, Word("手提包", "handbag", "ハンドバッグ", "túi xách tay"), (18, 200), 620, v.ONE_SIZE, v.ITEM),
            (1036412, Word("腰包", "waist bag", "ウエストポーチ", "túi đeo hông"), (9, 70), 240, v.ONE_SIZE, v.ITEM),
        ),
        _aisle(
            1036402, Word("皮具箱子", "Wallets and luggage", "財布・スーツケース", "ví và vali"),
            (1036420, Word("钱包", "wallet", "財布", "ví"), (7, 95), 130, v.ONE_SIZE, v.ITEM),
            (1036421, Word("行李箱", "suitcase", "スーツケース", "vali"), (60, 420), 3200, v.THREE_SIZES, v.ITEM),
            (1036422, Word("皮带", "belt", "ベルト", "thắt lưng"), (6, 85), 210, v.THREE_SIZES, v.PIECE),
        ),
    ),
    _department(
        1038378, Word("宠物用品", "Pet supplies", "ペット用品", "đồ thú cưng"), v.PET_STYLES, v.PET_MATERIALS,
        _aisle(
            1037501, Word("宠物日用", "Pet daily use", "ペット日用品", "đồ dùng thú cưng"),
            (1037510, Word("猫窝", "cat bed", "猫ベッド", "ổ mèo"), (15, 130), 900, v.THREE_SIZES, v.ITEM),
            (1037511, Word("狗绳", "dog leash", "犬用リード", "dây dắt chó"), (5, 60), 160, v.THREE_SIZES, v.PIECE),
            (1037512, Word("宠物碗", "pet bowl", "ペット食器", "bát thú cưng"), (4, 55), 330, v.THREE_SIZES, v.ITEM),
        ),
        _aisle(
            1037502, Word("宠物玩乐", "Pet play", "ペット玩具", "đồ chơi thú cưng"),
            (1037520, Word("逗猫棒", "cat teaser", "猫じゃらし", "cần câu mèo"), (1, 20), 40, v.ONE_SIZE, v.ITEM),
            (1037521, Word("磨牙球", "chew ball", "噛むボール", "bóng gặm"), (2, 28), 90, v.THREE_SIZES, v.ITEM),
            (1037522, Word("宠物衣服", "pet clothes", "ペット服", "quần áo thú cưng"), (6, 58), 140, v.CLOTHES_SIZES, v.PIECE),
        ),
    ),
)
# fmt: on
