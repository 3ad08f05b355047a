"""The words of titles and attributes. Data only."""

from services.sandbox.catalog.localized_text import LocalizedText as Text

TITLE_PREFIXES = (
    Text("夏季新款", "Summer new", "夏の新作", "mẫu mới mùa hè"),
    Text("秋冬", "Autumn winter", "秋冬", "thu đông"),
    Text("跨境热销", "Cross-border bestselling", "越境人気", "bán chạy xuyên biên giới"),
    Text("网红", "Popular", "話題の", "nổi tiếng"),
    Text("厂家直销", "Factory direct", "工場直販", "bán trực tiếp từ xưởng"),
    Text("日韩", "Japanese Korean", "日韓系", "phong cách Nhật Hàn"),
    Text("节日礼品", "Holiday gift", "ギフト", "quà tặng lễ"),
)

TITLE_SUFFIXES = (
    Text("批发", "wholesale", "卸売", "bán buôn"),
    Text("现货", "in stock", "在庫あり", "có sẵn"),
    Text("一件代发", "dropshipping", "1点から発送", "giao từng chiếc"),
    Text("支持定制", "customizable", "カスタム対応", "đặt theo yêu cầu"),
    Text("大码", "large size", "大きいサイズ", "cỡ lớn"),
)

COLOURS: tuple[tuple[Text, tuple[int, int, int]], ...] = (
    (Text("绿色", "Green", "グリーン", "Xanh lá"), (58, 145, 92)),
    (Text("红色", "Red", "レッド", "Đỏ"), (200, 50, 52)),
    (Text("黑色", "Black", "ブラック", "Đen"), (38, 38, 44)),
    (Text("白色", "White", "ホワイト", "Trắng"), (244, 243, 238)),
    (Text("蓝色", "Blue", "ブルー", "Xanh dương"), (46, 96, 190)),
    (Text("粉色", "Pink", "ピンク", "Hồng"), (238, 150, 178)),
    (Text("黄色", "Yellow", "イエロー", "Vàng"), (240, 200, 60)),
    (Text("灰色", "Grey", "グレー", "Xám"), (140, 144, 150)),
    (Text("紫色", "Purple", "パープル", "Tím"), (128, 84, 168)),
    (Text("咖啡色", "Coffee", "コーヒー", "Nâu cà phê"), (122, 84, 58)),
)

COLOUR = Text("颜色", "Color", "色", "Màu sắc")
SIZE = Text("尺码", "Size", "サイズ", "Kích cỡ")
SPECIFICATION = Text("规格", "Specification", "規格", "Quy cách")
BRAND = Text("品牌", "Brand", "ブランド", "Thương hiệu")
ORIGIN = Text("产地", "Origin", "産地", "Xuất xứ")
MATERIAL = Text("材质", "Material", "素材", "Chất liệu")
STYLE = Text("风格", "Style", "スタイル", "Phong cách")

BRANDS = (
    Text("纬派", "Weipai", "ウェイパイ", "Weipai"),
    Text("晨禾", "Chenhe", "チェンホー", "Chenhe"),
    Text("云栖", "Yunqi", "ユンチー", "Yunqi"),
    Text("青木里", "Qingmuli", "チンムーリー", "Qingmuli"),
    Text("海岚", "Hailan", "ハイラン", "Hailan"),
    Text("其他", "Other", "その他", "Khác"),
)

CITIES = (
    ("浙江省杭州市", Text("杭州", "Hangzhou", "杭州", "Hàng Châu")),
    ("浙江省义乌市", Text("义乌", "Yiwu", "義烏", "Nghĩa Ô")),
    ("广东省广州市", Text("广州", "Guangzhou", "広州", "Quảng Châu")),
    ("广东省深圳市", Text("深圳", "Shenzhen", "深圳", "Thâm Quyến")),
    ("福建省泉州市", Text("泉州", "Quanzhou", "泉州", "Tuyền Châu")),
    ("江苏省苏州市", Text("苏州", "Suzhou", "蘇州", "Tô Châu")),
)

COMPANY_TRADES = ("服饰", "贸易", "电子商务", "日用品", "食品", "科技", "工艺品", "供应链")
COMPANY_NAMES = ("宜路", "一路", "盛源", "锦程", "嘉禾", "鸿运", "美联", "兴达", "优品", "天成")

CLOTHES_SIZES = (
    Text("S", "S", "S", "S"),
    Text("M", "M", "M", "M"),
    Text("L", "L", "L", "L"),
    Text("XL", "XL", "XL", "XL"),
)
ONE_SIZE = (Text("均码", "One size", "フリーサイズ", "Một cỡ"),)
THREE_SIZES = (
    Text("小号", "Small", "小", "Nhỏ"),
    Text("中号", "Medium", "中", "Vừa"),
    Text("大号", "Large", "大", "Lớn"),
)
PACKS = (
    Text("单件装", "Single pack", "1個入り", "Gói 1 chiếc"),
    Text("五件装", "Pack of five", "5個入り", "Gói 5 chiếc"),
    Text("整箱", "Whole carton", "1ケース", "Cả thùng"),
)

PIECE = Text("件", "piece", "点", "chiếc")
ITEM = Text("个", "item", "個", "cái")
BOX = Text("盒", "box", "箱", "hộp")
SET = Text("套", "set", "セット", "bộ")

CLOTHING_STYLES = (
    Text("碎花", "floral", "花柄", "hoa nhí"),
    Text("法式复古", "French retro", "フレンチレトロ", "cổ điển Pháp"),
    Text("宽松", "loose", "ゆったり", "rộng"),
    Text("修身", "slim", "スリム", "ôm dáng"),
    Text("条纹", "striped", "ストライプ", "kẻ sọc"),
    Text("格子", "plaid", "チェック柄", "kẻ ô"),
    Text("简约", "minimalist", "シンプル", "tối giản"),
    Text("刺绣", "embroidered", "刺繍", "thêu"),
)
CLOTHING_MATERIALS = (
    Text("纯棉", "cotton", "綿", "cotton"),
    Text("亚麻", "linen", "リネン", "vải lanh"),
    Text("雪纺", "chiffon", "シフォン", "voan"),
    Text("牛仔", "denim", "デニム", "denim"),
    Text("羊毛", "wool", "ウール", "len lông cừu"),
    Text("针织", "knit", "ニット", "dệt kim"),
)
ACCESSORY_STYLES = (
    Text("轻奢", "affordable luxury", "プチプラ", "sang nhẹ"),
    Text("复古", "vintage", "ヴィンテージ", "cổ điển"),
    Text("可爱", "cute", "かわいい", "dễ thương"),
    Text("几何", "geometric", "幾何学", "hình học"),
    Text("简约", "minimalist", "シンプル", "tối giản"),
    Text("波西米亚", "bohemian", "ボヘミアン", "bohemian"),
    Text("情侣", "couple", "ペア", "đôi"),
)
ACCESSORY_MATERIALS = (
    Text("银", "silver", "シルバー", "bạc"),
    Text("珍珠", "pearl", "パール", "ngọc trai"),
    Text("合金", "alloy", "合金", "hợp kim"),
    Text("真丝", "silk", "シルク", "lụa"),
    Text("水晶", "crystal", "クリスタル", "pha lê"),
)
FOOD_STYLES = (
    Text("零食", "snack", "おやつ", "ăn vặt"),
    Text("独立小包装", "individually wrapped", "個包装", "gói riêng"),
    Text("低糖", "low sugar", "低糖", "ít đường"),
    Text("手工", "handmade", "手作り", "thủ công"),
    Text("进口风味", "imported flavour", "輸入風味", "hương vị nhập khẩu"),
    Text("礼盒", "gift box", "ギフト箱", "hộp quà"),
)
FOOD_MATERIALS = (
    Text("抹茶", "matcha", "抹茶", "trà xanh"),
    Text("海盐", "sea salt", "海塩", "muối biển"),
    Text("草莓", "strawberry", "いちご", "dâu tây"),
    Text("原味", "original", "プレーン", "nguyên vị"),
    Text("芝麻", "sesame", "ごま", "vừng"),
    Text("椰子", "coconut", "ココナッツ", "dừa"),
)
HOME_STYLES = (
    Text("北欧", "Nordic", "北欧", "Bắc Âu"),
    Text("日式", "Japanese style", "和風", "kiểu Nhật"),
    Text("可折叠", "foldable", "折りたたみ", "gấp gọn"),
    Text("加厚", "thickened", "厚手", "dày"),
    Text("创意", "creative", "クリエイティブ", "sáng tạo"),
    Text("便携", "portable", "携帯", "cầm tay"),
    Text("家用", "household", "家庭用", "gia đình"),
)
HOME_MATERIALS = (
    Text("陶瓷", "ceramic", "陶器", "gốm"),
    Text("竹制", "bamboo", "竹製", "tre"),
    Text("不锈钢", "stainless steel", "ステンレス", "inox"),
    Text("玻璃", "glass", "ガラス", "thủy tinh"),
    Text("硅胶", "silicone", "シリコン", "silicone"),
    Text("实木", "solid wood", "無垢材", "gỗ nguyên khối"),
)
DIGITAL_STYLES = (
    Text("无线", "wireless", "ワイヤレス", "không dây"),
    Text("快充", "fast charging", "急速充電", "sạc nhanh"),
    Text("迷你", "mini", "ミニ", "mini"),
    Text("防水", "waterproof", "防水", "chống nước"),
    Text("透明", "transparent", "透明", "trong suốt"),
    Text("磁吸", "magnetic", "マグネット", "từ tính"),
)
DIGITAL_MATERIALS = (
    Text("铝合金", "aluminium", "アルミ", "nhôm"),
    Text("硅胶", "silicone", "シリコン", "silicone"),
    Text("编织", "braided", "編み込み", "bện"),
    Text("塑料", "plastic", "プラスチック", "nhựa"),
    Text("皮革", "leather", "レザー", "da"),
)
TOY_STYLES = (
    Text("儿童", "kids", "子供用", "trẻ em"),
    Text("益智", "educational", "知育", "giáo dục"),
    Text("卡通", "cartoon", "キャラクター", "hoạt hình"),
    Text("遥控", "remote control", "リモコン", "điều khiển từ xa"),
    Text("亲子", "parent-child", "親子", "cha mẹ và con"),
    Text("彩色", "colourful", "カラフル", "nhiều màu"),
)
TOY_MATERIALS = (
    Text("木制", "wooden", "木製", "bằng gỗ"),
    Text("毛绒", "plush", "ぬいぐるみ素材", "nhồi bông"),
    Text("塑料", "plastic", "プラスチック", "nhựa"),
    Text("磁性", "magnet", "磁石", "nam châm"),
    Text("布艺", "fabric", "布製", "vải"),
)
BAG_STYLES = (
    Text("大容量", "large capacity", "大容量", "dung tích lớn"),
    Text("通勤", "commuter", "通勤", "công sở"),
    Text("防水", "waterproof", "防水", "chống nước"),
    Text("复古", "vintage", "ヴィンテージ", "cổ điển"),
    Text("韩版", "Korean style", "韓国風", "kiểu Hàn"),
    Text("休闲", "casual", "カジュアル", "thường ngày"),
)
BAG_MATERIALS = (
    Text("帆布", "canvas", "キャンバス", "vải bố"),
    Text("牛皮", "cowhide", "牛革", "da bò"),
    Text("尼龙", "nylon", "ナイロン", "nylon"),
    Text("牛津布", "oxford cloth", "オックスフォード", "vải oxford"),
    Text("灯芯绒", "corduroy", "コーデュロイ", "nhung tăm"),
)
PET_STYLES = (
    Text("耐咬", "chew-proof", "噛み強い", "chống cắn"),
    Text("自动", "automatic", "自動", "tự động"),
    Text("保暖", "warm", "あったか", "giữ ấm"),
    Text("可拆洗", "washable", "洗える", "giặt được"),
    Text("便携", "portable", "携帯", "cầm tay"),
    Text("可爱", "cute", "かわいい", "dễ thương"),
)
PET_MATERIALS = (
    Text("棉麻", "cotton linen", "綿麻", "cotton lanh"),
    Text("硅胶", "silicone", "シリコン", "silicone"),
    Text("尼龙", "nylon", "ナイロン", "nylon"),
    Text("陶瓷", "ceramic", "陶器", "gốm"),
    Text("剑麻", "sisal", "サイザル", "sợi sisal"),
)
