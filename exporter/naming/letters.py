# ruff: noqa: RUF001 - letters that look like others are what the table is about
"""What stands for each letter in a slug: werf's table of 971 entries as a rule (section 4.4).

ASCII letters and digits become lower case; what is in none of the tables below is dropped.
"""

from types import MappingProxyType
from typing import Final

DASHES: Final = frozenset(" -_&(){}[],.;:=+<>~/\uff3f\uff5e")
# One character and what stands for it; a pair follows the other.
_LETTERS: Final = (
    "µu Æae Ðd ×x Øo Þth ßb æae ðo øo þth Đd đd Ħh ħh İl ıl ĸk Ŀl ŀl Łl łl ŉn Ŋn ŋn Œoe œoe Ŧt ŧt "
    "ƀb Ɓb Ƅb ƅb Ƈc ƈc Ɖd Ɗd Ƌnd ƌnd Ɛe Ƒf ƒf Ɠg Ɩi Ɨi Ƙk ƙk Ɯw Ɲn ƞn Ɵo Ƥp ƥp Ʀr Ƨs ƨs Ʃs ƪt ƫt "
    "Ƭt ƭt Ʈt Ʊu Ʋu Ƶz ƶz Ʒz Ƽq ƽq ǝe Ǣae ǣae Ǥg ǥg Ǽae ǽae Ǿo ǿo Ƞn Ȥz ȥz ȷj ȸdb ȹqp Ⱥa Ȼc ȼc Ƚl "
    "Ⱦl ȿs ɀz Ƀb Ʉu Ʌv Ɇe ɇe Ɉj ɉj Ɋq ɋq Ɍr ɍr Ɏy ɏy ɑa ɗd ɠg ɡg ɢg ɯw ɱm ɵo ɶoe ᴀa ᴁae ᴂae ᴃb ᴄc "
    "ᴅd ᴆd ᴇe ᴊj ᴋk ᴌl ᴍm ᴎn ᴏo ẚa ℀ac ℁as ℃c ℄c ℅co ℆cu ℉f ℏh ℗p ℞px ℟r ℮e ꜰf ꜱs Ꜳaa ꜳaa Ꜵao ꜵao "
    "Ꜷaj ꜷaj Ꜹav ꜹav Ꜻaf ꜻaf Ꜽaf ꜽaf"
)
_CYRILLIC: Final = (
    "аa бb вv гg дd еye ёyo жzh зz иi йj кk лl мm нn оo пp рr сs тt уu фf хh цc чch шsh щshch ыy "
    "эe юyu яya"
)
DROPPED: Final = frozenset(
    "ªº¹ẛỈỉỊịⁿℐℑℒℓ№ℨℭℰℱℳℴℹ℻ⅅⅆⅇⅈⅉ⁰ⁱ⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ₕₖₗₘₙₚₛₜ①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳０１２３４５６７８９ъьЪЬ"
)
SPELLED: Final = MappingProxyType(
    {
        **{pair[0]: pair[1:] for pair in _LETTERS.split()},
        **{pair[0]: pair[1:] for pair in _CYRILLIC.split()},
        **{pair[0].upper(): pair[1:] for pair in _CYRILLIC.split()},
        **{chr(0x2490 + index): str(9 + index) for index in range(12)},
        **{chr(0x249C + index): chr(ord("a") + index) for index in range(26)},
    }
)
# Blocks whose characters werf's table decomposes.
BLOCKS: Final = (
    (0x0080, 0x024F),
    (0x1E00, 0x1EFF),
    (0x2070, 0x209F),
    (0x2100, 0x214F),
    (0x2460, 0x24FF),
    (0xFF00, 0xFFEF),
)
