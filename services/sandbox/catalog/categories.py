"""The category tree: eight top categories, each with two second-level categories.

Each second-level category has three third-level categories.
"""

from dataclasses import dataclass

from services.sandbox.catalog import vocabulary as v
from services.sandbox.catalog.localized_text import LocalizedText as Text

Texts = tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdCategory:
    """A third-level category: one kind of product."""

    category_id: int
    noun: Text
    """The name of the product in titles."""
    price_yuan: tuple[int, int]
    """The lowest and highest wholesale price."""
    weight_grams: int
    sizes: Texts
    unit: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondCategory:
    """A second-level category."""

    category_id: int
    name: Text
    third_categories: tuple[ThirdCategory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopCategory:
    """A first-level category, with the words that describe its products."""

    category_id: int
    name: Text
    styles: Texts
    materials: Texts
    second_categories: tuple[SecondCategory, ...]


# category id, noun in four languages, price range in yuan, weight in grams, sizes, unit
_ThirdCategoryRow = tuple[int, Text, tuple[int, int], int, Texts, Text]


def _second(category_id: int, name: Text, *rows: _ThirdCategoryRow) -> SecondCategory:
    third_categories = tuple(
        ThirdCategory(
            category_id=id_, noun=noun, price_yuan=price, weight_grams=weight, sizes=sizes, unit=unit
        )
        for id_, noun, price, weight, sizes, unit in rows
    )
    return SecondCategory(category_id=category_id, name=name, third_categories=third_categories)


def _top(
    category_id: int, name: Text, styles: Texts, materials: Texts, *second_categories: SecondCategory
) -> TopCategory:
    return TopCategory(
        category_id=category_id,
        name=name,
        styles=styles,
        materials=materials,
        second_categories=second_categories,
    )


# ruff: noqa: E501 - a table is easiest to read with one product in a line
# fmt: off
TOP_CATEGORIES = (
    _top(
        10166, Text("女装", "Women's clothing", "レディース", "thời trang nữ"), v.CLOTHING_STYLES, v.CLOTHING_MATERIALS,
        _second(
            1031901, Text("裙装", "Dresses and skirts", "ワンピース・スカート", "váy"),
            (1031910, Text("连衣裙", "dress", "ワンピース", "váy liền"), (25, 120), 350, v.CLOTHES_SIZES, v.PIECE),
            (1031911, Text("半身裙", "skirt", "スカート", "chân váy"), (18, 80), 280, v.CLOTHES_SIZES, v.PIECE),
            (1031912, Text("背带裙", "pinafore", "ジャンパースカート", "váy yếm"), (22, 95), 380, v.ONE_SIZE, v.PIECE),
        ),
        _second(
            1031902, Text("上装", "Tops", "トップス", "áo"),
            (1031920, Text("衬衫", "shirt", "シャツ", "áo sơ mi"), (16, 70), 220, v.CLOTHES_SIZES, v.PIECE),
            (1031921, Text("毛衣", "sweater", "セーター", "áo len"), (25, 130), 450, v.ONE_SIZE, v.PIECE),
            (1031922, Text("外套", "coat", "コート", "áo khoác"), (40, 220), 800, v.CLOTHES_SIZES, v.PIECE),
        ),
    ),
    _top(
        54, Text("服饰配件、饰品", "Accessories and jewellery", "アクセサリー", "phụ kiện và trang sức"), v.ACCESSORY_STYLES, v.ACCESSORY_MATERIALS,
        _second(
            1031601, Text("首饰", "Jewellery", "ジュエリー", "trang sức"),
            (1031610, Text("耳环", "earrings", "イヤリング", "bông tai"), (2, 30), 20, v.ONE_SIZE, v.PIECE),
            (1031611, Text("项链", "necklace", "ネックレス", "vòng cổ"), (3, 60), 35, v.ONE_SIZE, v.PIECE),
            (1031612, Text("戒指", "ring", "指輪", "nhẫn"), (1, 45), 12, v.THREE_SIZES, v.PIECE),
        ),
        _second(
            1031602, Text("配件", "Accessories", "小物", "phụ kiện"),
            (1031620, Text("围巾", "scarf", "スカーフ", "khăn quàng"), (8, 60), 150, v.ONE_SIZE, v.PIECE),
            (1031621, Text("帽子", "hat", "帽子", "mũ"), (6, 48), 110, v.ONE_SIZE, v.PIECE),
            (1031622, Text("发夹", "hair clip", "ヘアクリップ", "kẹp tóc"), (1, 15), 25, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _top(
        2, Text("食品酒水", "Food and drinks", "食品・飲料", "thực phẩm và đồ uống"), v.FOOD_STYLES, v.FOOD_MATERIALS,
        _second(
            1032913, Text("休闲食品", "Snacks", "お菓子", "đồ ăn vặt"),
            (1032914, Text("饼干", "cookies", "クッキー", "bánh quy"), (1, 40), 500, v.PACKS, v.BOX),
            (1032915, Text("糖果", "candy", "キャンディ", "kẹo"), (2, 35), 400, v.PACKS, v.BOX),
            (1032916, Text("坚果", "nuts", "ナッツ", "hạt dinh dưỡng"), (8, 90), 600, v.PACKS, v.BOX),
        ),
        _second(
            1032917, Text("冲饮", "Beverages", "飲み物", "đồ uống"),
            (1032918, Text("茶叶", "tea leaves", "茶葉", "trà"), (10, 180), 250, v.PACKS, v.BOX),
            (1032919, Text("咖啡", "coffee", "コーヒー豆", "cà phê"), (12, 120), 350, v.PACKS, v.BOX),
            (1032920, Text("果汁", "juice", "ジュース", "nước ép"), (3, 45), 1000, v.PACKS, v.BOX),
        ),
    ),
    _top(
        15, Text("家居日用品", "Home and daily use", "生活雑貨", "đồ gia dụng"), v.HOME_STYLES, v.HOME_MATERIALS,
        _second(
            1033101, Text("餐厨", "Kitchen and dining", "キッチン", "nhà bếp"),
            (1033110, Text("马克杯", "mug", "マグカップ", "cốc"), (4, 45), 380, v.ONE_SIZE, v.ITEM),
            (1033111, Text("餐盘", "plate", "お皿", "đĩa"), (3, 50), 420, v.THREE_SIZES, v.ITEM),
            (1033112, Text("保温瓶", "thermos bottle", "水筒", "bình giữ nhiệt"), (15, 98), 460, v.THREE_SIZES, v.ITEM),
        ),
        _second(
            1033102, Text("收纳家饰", "Storage and decoration", "収納・インテリア", "lưu trữ và trang trí"),
            (1033120, Text("收纳盒", "storage box", "収納ボックス", "hộp đựng đồ"), (5, 60), 650, v.THREE_SIZES, v.ITEM),
            (1033121, Text("台灯", "desk lamp", "デスクランプ", "đèn bàn"), (18, 150), 900, v.ONE_SIZE, v.ITEM),
            (1033122, Text("花瓶", "vase", "花瓶", "bình hoa"), (8, 110), 750, v.THREE_SIZES, v.ITEM),
        ),
    ),
    _top(
        7, Text("数码配件", "Digital accessories", "デジタル小物", "phụ kiện số"), v.DIGITAL_STYLES, v.DIGITAL_MATERIALS,
        _second(
            1034201, Text("手机配件", "Phone accessories", "スマホ用品", "phụ kiện điện thoại"),
            (1034210, Text("手机壳", "phone case", "スマホケース", "ốp điện thoại"), (2, 35), 45, v.ONE_SIZE, v.ITEM),
            (1034211, Text("充电器", "charger", "充電器", "bộ sạc"), (8, 75), 120, v.ONE_SIZE, v.ITEM),
            (1034212, Text("数据线", "data cable", "ケーブル", "cáp dữ liệu"), (2, 30), 60, v.THREE_SIZES, v.ITEM),
        ),
        _second(
            1034202, Text("影音配件", "Audio accessories", "オーディオ", "phụ kiện âm thanh"),
            (1034220, Text("耳机", "headphones", "ヘッドホン", "tai nghe"), (12, 260), 180, v.ONE_SIZE, v.ITEM),
            (1034221, Text("音箱", "speaker", "スピーカー", "loa"), (20, 320), 700, v.ONE_SIZE, v.ITEM),
            (1034222, Text("麦克风", "microphone", "マイク", "micro"), (15, 180), 300, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _top(
        1813, Text("玩具", "Toys", "おもちゃ", "đồ chơi"), v.TOY_STYLES, v.TOY_MATERIALS,
        _second(
            1035301, Text("益智玩具", "Educational toys", "知育玩具", "đồ chơi giáo dục"),
            (1035310, Text("积木", "building blocks", "ブロック", "khối xếp hình"), (8, 120), 550, v.THREE_SIZES, v.SET),
            (1035311, Text("拼图", "puzzle", "パズル", "tranh ghép"), (4, 60), 350, v.THREE_SIZES, v.SET),
            (1035312, Text("魔方", "magic cube", "ルービックキューブ", "khối rubik"), (3, 40), 110, v.ONE_SIZE, v.ITEM),
        ),
        _second(
            1035302, Text("娃娃车模", "Dolls and models", "人形・模型", "búp bê và mô hình"),
            (1035320, Text("玩偶", "doll", "人形", "búp bê"), (6, 90), 260, v.THREE_SIZES, v.ITEM),
            (1035321, Text("玩具车", "toy car", "ミニカー", "xe đồ chơi"), (5, 140), 320, v.ONE_SIZE, v.ITEM),
            (1035322, Text("风筝", "kite", "凧", "diều"), (5, 55), 210, v.ONE_SIZE, v.ITEM),
        ),
    ),
    _top(
        1042954, Text("箱包皮具", "Bags and leather goods", "バッグ・革製品", "túi xách và đồ da"), v.BAG_STYLES, v.BAG_MATERIALS,
        _second(
            1036401, Text("包袋", "Bags", "バッグ", "túi"),
            (1036410, Text("双肩包", "backpack", "リュック", "ba lô"), (20, 180), 750, v.ONE_SIZE, v.ITEM),
            (1036411, Text("手提包", "handbag", "ハンドバッグ", "túi xách tay"), (18, 200), 620, v.ONE_SIZE, v.ITEM),
            (1036412, Text("腰包", "waist bag", "ウエストポーチ", "túi đeo hông"), (9, 70), 240, v.ONE_SIZE, v.ITEM),
        ),
        _second(
            1036402, Text("皮具箱子", "Wallets and luggage", "財布・スーツケース", "ví và vali"),
            (1036420, Text("钱包", "wallet", "財布", "ví"), (7, 95), 130, v.ONE_SIZE, v.ITEM),
            (1036421, Text("行李箱", "suitcase", "スーツケース", "vali"), (60, 420), 3200, v.THREE_SIZES, v.ITEM),
            (1036422, Text("皮带", "belt", "ベルト", "thắt lưng"), (6, 85), 210, v.THREE_SIZES, v.PIECE),
        ),
    ),
    _top(
        1038378, Text("宠物用品", "Pet supplies", "ペット用品", "đồ thú cưng"), v.PET_STYLES, v.PET_MATERIALS,
        _second(
            1037501, Text("宠物日用", "Pet daily use", "ペット日用品", "đồ dùng thú cưng"),
            (1037510, Text("猫窝", "cat bed", "猫ベッド", "ổ mèo"), (15, 130), 900, v.THREE_SIZES, v.ITEM),
            (1037511, Text("狗绳", "dog leash", "犬用リード", "dây dắt chó"), (5, 60), 160, v.THREE_SIZES, v.PIECE),
            (1037512, Text("宠物碗", "pet bowl", "ペット食器", "bát thú cưng"), (4, 55), 330, v.THREE_SIZES, v.ITEM),
        ),
        _second(
            1037502, Text("宠物玩乐", "Pet play", "ペット玩具", "đồ chơi thú cưng"),
            (1037520, Text("逗猫棒", "cat teaser", "猫じゃらし", "cần câu mèo"), (1, 20), 40, v.ONE_SIZE, v.ITEM),
            (1037521, Text("磨牙球", "chew ball", "噛むボール", "bóng gặm"), (2, 28), 90, v.THREE_SIZES, v.ITEM),
            (1037522, Text("宠物衣服", "pet clothes", "ペット服", "quần áo thú cưng"), (6, 58), 140, v.CLOTHES_SIZES, v.PIECE),
        ),
    ),
)
# fmt: on
