"""The words that titles and attributes are composed of. Data only."""

from services.sandbox.catalog.localized_text import Word

OPENERS = (
    Word("夏季新款", "Summer new", "夏の新作", "mẫu mới mùa hè"),
    Word("秋冬", "Autumn winter", "秋冬", "thu đông"),
    Word("跨境热销", "Cross-border bestselling", "越境人気", "bán chạy xuyên biên giới"),
    Word("网红", "Popular", "話題の", "nổi tiếng"),
    Word("厂家直销", "Factory direct", "工場直販", "bán trực tiếp từ xưởng"),
    Word("日韩", "Japanese Korean", "日韓系", "phong cách Nhật Hàn"),
    Word("节日礼品", "Holiday gift", "ギフト", "quà tặng lễ"),
)

TAILS = (
    Word("批发", "wholesale", "卸売", "bán buôn"),
    Word("现货", "in stock", "在庫あり", "có sẵn"),
    Word("一件代发", "dropshipping", "1点から発送", "giao từng chiếc"),
    Word("支持定制", "customizable", "カスタム対応", "đặt theo yêu cầu"),
    Word("大码", "large size", "大きいサイズ", "cỡ lớn"),
)

COLOURS: tuple[tuple[Word, tuple[int, int, int]], ...] = (
    (Word("绿色", "Green", "グリーン", "Xanh lá"), (58, 145, 92)),
    (Word("红色", "Red", "レッド", "Đỏ"), (200, 50, 52)),
    (Word("黑色", "Black", "ブラック", "Đen"), (38, 38, 44)),
    (Word("白色", "White", "ホワイト", "Trắng"), (244, 243, 238)),
    (Word("蓝色", "Blue", "ブルー", "Xanh dương"), (46, 96, 190)),
    (Word("粉色", "Pink", "ピンク", "Hồng"), (238, 150, 178)),
    (Word("黄色", "Yellow", "イエロー", "Vàng"), (240, 200, 60)),
    (Word("灰色", "Grey", "グレー", "Xám"), (140, 144, 150)),
    (Word("紫色", "Purple", "パープル", "Tím"), (128, 84, 168)),
    (Word("咖啡色", "Coffee", "コーヒー", "Nâu cà phê"), (122, 84, 58)),
)

COLOUR = Word("颜色", "Color", "色", "Màu sắc")
SIZE = Word("尺码", "Size", "サイズ", "Kích cỡ")
SPECIFICATION = Word("规格", "Specification", "規格", "Quy cách")
BRAND = Word("品牌", "Brand", "ブランド", "Thương hiệu")
ORIGIN = Word("产地", "Origin", "産地", "Xuất xứ")
MATERIAL = Word("材质", "Material", "素材", "Chất liệu")
STYLE = Word("风格", "Style", "スタイル", "Phong cách")

BRANDS = (
    Word("纬派", "Weipai", "ウェイパイ", "Weipai"),
    Word("晨禾", "Chenhe", "チェンホー", "Chenhe"),
    Word("云栖", "Yunqi", "ユンチー", "Yunqi"),
    Word("青木里", "Qingmuli", "チンムーリー", "Qingmuli"),
    Word("海岚", "Hailan", "ハイラン", "Hailan"),
    Word("其他", "Other", "その他", "Khác"),
)

CITIES = (
    ("浙江省杭州市", Word("杭州", "Hangzhou", "杭州", "Hàng Châu")),
    ("浙江省义乌市", Word("义乌", "Yiwu", "義烏", "Nghĩa Ô")),
    ("广东省广州市", Word("广州", "Guangzhou", "広州", "Quảng Châu")),
    ("广东省深圳市", Word("深圳", "Shenzhen", "深圳", "Thâm Quyến")),
    ("福建省泉州市", Word("泉州", "Quanzhou", "泉州", "Tuyền Châu")),
    ("江苏省苏州市", Word("苏州", "Suzhou", "蘇州", "Tô Châu")),
)

TRADES = ("服饰", "贸易", "电子商务", "日用品", "食品", "科技", "工艺品", "供应链")
COMPANIES = ("宜路", "一路", "盛源", "锦程", "嘉禾", "鸿运", "美联", "兴达", "优品", "天成")

CLOTHES_SIZES = (
    Word("S", "S", "S", "S"),
    Word("M", "M", "M", "M"),
    Word("L", "L", "L", "L"),
    Word("XL", "XL", "XL", "XL"),
)
ONE_SIZE = (Word("均码", "One size", "フリーサイズ", "Một cỡ"),)
THREE_SIZES = (
    Word("小号", "Small", "小", "Nhỏ"),
    Word("中号", "Medium", "中", "Vừa"),
    Word("大号", "Large", "大", "Lớn"),
)
PACKS = (
    Word("单件装", "Single pack", "1個入り", "Gói 1 chiếc"),
    Word("五件装", "Pack of five", "5個入り", "Gói 5 chiếc"),
    Word("整箱", "Whole carton", "1ケース", "Cả thùng"),
)

PIECE = Word("件", "piece", "点", "chiếc")
ITEM = Word("个", "item", "個", "cái")
BOX = Word("盒", "box", "箱", "hộp")
SET = Word("套", "set", "セット", "bộ")

WEAR_STYLES = (
    Word("碎花", "floral", "花柄", "hoa nhí"),
    Word("法式复古", "French retro", "フレンチレトロ", "cổ điển Pháp"),
    Word("宽松", "loose", "ゆったり", "rộng"),
    Word("修身", "slim", "スリム", "ôm dáng"),
    Word("条纹", "striped", "ストライプ", "kẻ sọc"),
    Word("格子", "plaid", "チェック柄", "kẻ ô"),
    Word("简约", "minimalist", "シンプル", "tối giản"),
    Word("刺绣", "embroidered", "刺繍", "thêu"),
)
WEAR_MATERIALS = (
    Word("纯棉", "cotton", "綿", "cotton"),
    Word("亚麻", "linen", "リネン", "vải lanh"),
    Word("雪纺", "chiffon", "シフォン", "voan"),
    Word("牛仔", "denim", "デニム", "denim"),
    Word("羊毛", "wool", "ウール", "len lông cừu"),
    Word("针织", "knit", "ニット", "dệt kim"),
)
SMALL_STYLES = (
    Word("轻奢", "affordable luxury", "プチプラ", "sang nhẹ"),
    Word("复古", "vintage", "ヴィンテージ", "cổ điển"),
    Word("可爱", "cute", "かわいい", "dễ thương"),
    Word("几何", "geometric", "幾何学", "hình học"),
    Word("简约", "minimalist", "シンプル", "tối giản"),
    Word("波西米亚", "bohemian", "ボヘミアン", "bohemian"),
    Word("情侣", "couple", "ペア", "đôi"),
)
SMALL_MATERIALS = (
    Word("银", "silver", "シルバー", "bạc"),
    Word("珍珠", "pearl", "パール", "ngọc trai"),
    Word("合金", "alloy", "合金", "hợp kim"),
    Word("真丝", "silk", "シルク", "lụa"),
    Word("水晶", "crystal", "クリスタル", "pha lê"),
)
FOOD_STYLES = (
    Word("零食", "snack", "おやつ", "ăn vặt"),
    Word("独立小包装", "individually wrapped", "個包装", "gói riêng"),
    Word("低糖", "low sugar", "低糖", "ít đường"),
    Word("手工", "handmade", "手作り", "thủ công"),
    Word("进口风味", "imported flavour", "輸入風味", "hương vị nhập khẩu"),
    Word("礼盒", "gift box", "ギフト箱", "hộp quà"),
)
FOOD_MATERIALS = (
    Word("抹茶", "matcha", "抹茶", "trà xanh"),
    Word("海盐", "sea salt", "海塩", "muối biển"),
    Word("草莓", "strawberry", "いちご", "dâu tây"),
    Word("原味", "original", "プレーン", "nguyên vị"),
    Word("芝麻", "sesame", "ごま", "vừng"),
    Word("椰子", "coconut", "ココナッツ", "dừa"),
)
HOME_STYLES = (
    Word("北欧", "Nordic", "北欧", "Bắc Âu"),
    Word("日式", "Japanese style", "和風", "kiểu Nhật"),
    Word("可折叠", "foldable", "折りたたみ", "gấp gọn"),
    Word("加厚", "thickened", "厚手", "dày"),
    Word("创意", "creative", "クリエイティブ", "sáng tạo"),
    Word("便携", "portable", "携帯", "cầm tay"),
    Word("家用", "household", "家庭用", "gia đình"),
)
HOME_MATERIALS = (
    Word("陶瓷", "ceramic", "陶器", "gốm"),
    Word("竹制", "bamboo", "竹製", "tre"),
    Word("不锈钢", "stainless steel", "ステンレス", "inox"),
    Word("玻璃", "glass", "ガラス", "thủy tinh"),
    Word("硅胶", "silicone", "シリコン", "silicone"),
    Word("实木", "solid wood", "無垢材", "gỗ nguyên khối"),
)
DIGITAL_STYLES = (
    Word("无线", "wireless", "ワイヤレス", "không dây"),
    Word("快充", "fast charging", "急速充電", "sạc nhanh"),
    Word("迷你", "mini", "ミニ", "mini"),
    Word("防水", "waterproof", "防水", "chống nước"),
    Word("透明", "transparent", "透明", "trong suốt"),
    Word("磁吸", "magnetic", "マグネット", "từ tính"),
)
DIGITAL_MATERIALS = (
    Word("铝合金", "aluminium", "アルミ", "nhôm"),
    Word("硅胶", "silicone", "シリコン", "silicone"),
    Word("编织", "braided", "編み込み", "bện"),
    Word("塑料", "plastic", "プラスチック", "nhựa"),
    Word("皮革", "leather", "レザー", "da"),
)
TOY_STYLES = (
    Word("儿童", "kids", "子供用", "trẻ em"),
    Word("益智", "educational", "知育", "giáo dục"),
    Word("卡通", "cartoon", "キャラクター", "hoạt hình"),
    Word("遥控", "remote control", "リモコン", "điều khiển từ xa"),
    Word("亲子", "parent-child", "親子", "cha mẹ và con"),
    Word("彩色", "colourful", "カラフル", "nhiều màu"),
)
TOY_MATERIALS = (
    Word("木制", "wooden", "木製", "bằng gỗ"),
    Word("毛绒", "plush", "ぬいぐるみ素材", "nhồi bông"),
    Word("塑料", "plastic", "プラスチック", "nhựa"),
    Word("磁性", "magnet", "磁石", "nam châm"),
    Word("布艺", "fabric", "布製", "vải"),
)
BAG_STYLES = (
    Word("大容量", "large capacity", "大容量", "dung tích lớn"),
    Word("通勤", "commuter", "通勤", "công sở"),
    Word("防水", "waterproof", "防水", "chống nước"),
    Word("复古", "vintage", "ヴィンテージ", "cổ điển"),
    Word("韩版", "Korean style", "韓国風", "kiểu Hàn"),
    Word("休闲", "casual", "カジュアル", "thường ngày"),
)
BAG_MATERIALS = (
    Word("帆布", "canvas", "キャンバス", "vải bố"),
    Word("牛皮", "cowhide", "牛革", "da bò"),
    Word("尼龙", "nylon", "ナイロン", "nylon"),
    Word("牛津布", "oxford cloth", "オックスフォード", "vải oxford"),
    Word("灯芯绒", "corduroy", "コーデュロイ", "nhung tăm"),
)
PET_STYLES = (
    Word("耐咬", "chew-proof", "噛み強い", "chống cắn"),
    Word("自动", "automatic", "自動", "tự động"),
    Word("保暖", "warm", "あったか", "giữ ấm"),
    Word("可拆洗", "washable", "洗える", "giặt được"),
    Word("便携", "portable", "携帯", "cầm tay"),
    Word("可爱", "cute", "かわいい", "dễ thương"),
)
PET_MATERIALS = (
    Word("棉麻", "cotton linen", "綿麻", "cotton lanh"),
    Word("硅胶", "silicone", "シリコン", "silicone"),
    Word("尼龙", "nylon", "ナイロン", "nylon"),
    Word("陶瓷", "ceramic", "陶器", "gốm"),
    Word("剑麻", "sisal", "サイザル", "sợi sisal"),
)
