"""What the name of a parcel says: hemisphere, structure and network, by the rules of its parcellation.

A rule is a pattern that whole names follow. What no rule knows is left open, never guessed.
"""

import re
from dataclasses import dataclass

SIDES = {"l": "L", "lh": "L", "left": "L", "r": "R", "rh": "R", "right": "R"}
# Networks of the Schaefer parcellation; those of the finer division carry a letter or another name.
SEVEN = {"Vis", "SomMot", "DorsAttn", "SalVentAttn", "Limbic", "Cont", "Default"}
SEVENTEEN = {"VisCent", "VisPeri", "SomMotA", "SomMotB", "DorsAttnA", "DorsAttnB", "SalVentAttnA"}
SEVENTEEN |= {"SalVentAttnB", "LimbicA", "LimbicB", "ContA", "ContB", "ContC", "DefaultA", "DefaultB"}
SEVENTEEN |= {"DefaultC", "TempPar"}
SCHAEFER = r"(?P<side>[LR]H)_(?P<network>[A-Za-z]+)_\w+"
NETWORKS = "|".join(sorted(SEVEN | SEVENTEEN))
SUBCORTICAL = (
    "thalamus(?:[-_]proper)?|caudate|putamen|pallidum|hippocampus|amygdala|accumbens(?:[-_]area)?|ventraldc"
)
DESIKAN = (
    "bankssts|caudalanteriorcingulate|caudalmiddlefrontal|cuneus|entorhinal|frontalpole|fusiform|"
    "inferiorparietal|inferiortemporal|insula|isthmuscingulate|lateraloccipital|lateralorbitofrontal|lingual|"
    "medialorbitofrontal|middletemporal|paracentral|parahippocampal|parsopercularis|parsorbitalis|"
    "parstriangularis|pericalcarine|postcentral|posteriorcingulate|precentral|precuneus|"
    "rostralanteriorcingulate|rostralmiddlefrontal|superiorfrontal|superiorparietal|superiortemporal|"
    "supramarginal|temporalpole|transversetemporal"
)
AAL_CORTEX = (
    r"Precentral|Postcentral|Rolandic_Oper|Supp_Motor_Area|Olfactory|Rectus|Insula|Frontal_\w+|OFC\w+|"
    r"Cingul(?:um|ate)_\w+|ACC_\w+|ParaHippocampal|Calcarine|Cuneus|Lingual|Occipital_\w+|Fusiform|"
    r"Parietal_\w+|SupraMarginal|Angular|Precuneus|Paracentral_Lobule|Heschl|Temporal_\w+"
)
FOUR_S = (
    "Pu|Ca|NAC|EXA|GPe|GPi|SNc_PBP_VTA|RN|SNr|VeP|HN|HTH|MN|STH|Pulvinar|Anterior|Medio_Dorsal|"
    r"Ventral_\w+|Central_Lateral-Lateral_Posterior-Medial_Pulvinar"
)
# Networks of Gordon et al. 2016 (doi:10.1093/cercor/bhu239), as XCP-D and others spell them.
GORDON = (
    "Default|SMhand|SMmouth|Visual|FrontoParietal|Auditory|None|CinguloParietal|RetrosplenialTemporal|"
    "MedialParietal|ParietoOccip|CinguloOperc|VentralAttn|Salience|DorsalAttn"
)
# Areas of Glasser et al. 2016 (doi:10.1038/nature18933), which XCP-D names without their ending _ROI.
GLASSER = (
    "1|2|3a|3b|4|43|44|45|46|47l|47m|47s|5L|5m|5mv|52|55b|6a|6d|6ma|6mp|6r|6v|7AL|7Am|7PC|7PL|7Pm|7m|8Ad|8Av|"
    "8BL|8BM|8C|9-46d|9a|9m|9p|10d|10pp|10r|10v|11l|13l|23c|23d|24dd|24dv|25|31a|31pd|31pv|33pr|A1|A4|A5|AAIC|"
    "AIP|AVI|DVT|EC|FEF|FFC|FOP[1-5]|FST|H|IFJ[ap]|IFS[ap]|IP[0-2]|IPS1|Ig|LBelt|LIP[dv]|LO[1-3]|MBelt|MI|MIP|"
    "MST|MT|OFC|OP1|OP2-3|OP4|PBelt|PCV|PEF|PF|PFcm|PFm|PFop|PFt|PG[ips]|PH|PHA[1-3]|PHT|PI|PIT|POS[12]|PSL|"
    "PeEc|Pir|PoI[12]|PreS|ProS|RI|RSC|SCEF|SFL|STGa|STS[dv][ap]|STV|TA2|TE1[amp]|TE2[ap]|TF|TG[dv]|TPOJ[1-3]|"
    "V1|V2|V3|V3A|V3B|V3CD|V4|V4t|V6|V6A|V7|V8|VIP|VMV[1-3]|VVC|a10p|a24|a24pr|a32pr|a47r|a9-46v|d23ab|d32|"
    "i6-8|p10p|p24|p24pr|p32|p32pr|p47r|p9-46v|pOFC|s32|s6-8|v23ab"
)
TIAN = r"[a-z]*(?:HIP|AMY|THA|NAc|GP|PUT|CAU)\w*(?:[-_][\w]+)*"


@dataclass(frozen=True)
class Place:
    """What a name says about a parcel; None where it says nothing.

    Attributes
    ----------
    family : str or None
        Of the parcellation whose rule applied.
    hemisphere : {"L", "R", "B"} or None
    structure : {"cortex", "subcortex", "cerebellum", "brainstem"} or None
    network : str or None
    """

    family: str | None = None
    hemisphere: str | None = None
    structure: str | None = None
    network: str | None = None


# family, structure, pattern of the whole name; the groups "side" and "network" give hemisphere and network.
RULES = tuple(
    (family, structure, re.compile(pattern, flags))
    for family, structure, pattern, flags in (
        ("Schaefer", "cortex", rf"(?:ctx[-_][lr]h[-_])?(?:7|17)Networks_{SCHAEFER}", 0),
        ("Schaefer", "cortex", rf"(?P<side>[LR]H)_(?P<network>{NETWORKS})_\w+", 0),
        ("Desikan-Killiany", "cortex", rf"(?:ctx[-_.])?(?P<side>[lr]h?)[-_.](?:{DESIKAN})", re.I),
        ("FreeSurfer", "cortex", r"ctx[-_](?P<side>[lr]h)[-_][\w.&-]+", re.I),
        ("Glasser", "cortex", r"(?P<side>[LR])_[\w-]+_ROI", 0),
        ("Glasser", "cortex", rf"(?P<side>Left|Right)_(?:{GLASSER})", 0),
        ("Gordon", "cortex", rf"(?P<side>[LR])_(?P<network>{GORDON})_\d+", 0),
        ("FreeSurfer", "brainstem", r"brain[-_ ]?stem", re.I),
        ("FreeSurfer", "cerebellum", r"(?P<side>left|right|[lr])[-_ ]cerebellum(?:[-_ ]cortex)?", re.I),
        ("CIFTI", "cerebellum", r"cerebellum_(?P<side>left|right)", re.I),
        ("CIFTI", "subcortex", rf"(?:{SUBCORTICAL}|diencephalon_ventral)_(?P<side>left|right)", re.I),
        ("FreeSurfer", "subcortex", rf"(?P<side>left|right|[lr]h?)[-_ ](?:{SUBCORTICAL})\*?", re.I),
        ("AAL", "cerebellum", r"Cerebell?um_\w+_(?P<side>[LR])", 0),
        ("AAL", "cerebellum", r"Vermis_\w+", 0),
        ("AAL", "subcortex", rf"(?:{SUBCORTICAL})_(?P<side>[LR])", re.I),
        ("AAL", "cortex", rf"(?:{AAL_CORTEX})_(?P<side>[LR])", 0),
        ("4S", "subcortex", rf"(?P<side>[LR]H)-(?:{FOUR_S})", 0),
        ("4S", "cerebellum", r"Cerebellar_Region\d+", 0),
        ("Tian", "subcortex", rf"{TIAN}[-_](?P<side>[lr]h)", 0),
        ("Brainnetome", "subcortex", r"(?:Amyg|Hipp|BG|Str|Tha)_(?P<side>[LR])_\d+_\d+", 0),
        ("Brainnetome", "cortex", r"[A-Za-z]+_(?P<side>[LR])_\d+_\d+", 0),
    )
)


def place(label):
    """Say what a name tells.

    Parameters
    ----------
    label : str

    Returns
    -------
    Place
    """
    for family, structure, pattern in RULES:
        found = pattern.fullmatch(label.strip())
        if found:
            groups = found.groupdict()
            side = SIDES[groups["side"].lower()] if groups.get("side") else "B"
            return Place(family, side, structure, groups.get("network"))
    return Place()


def schaefer_networks(labels):
    """Tell the 7-network order of the Schaefer parcellation from the 17-network one, with as many nodes.

    Parameters
    ----------
    labels : sequence of str

    Returns
    -------
    int or None
        7, 17, or None where the names are not of this parcellation.
    """
    prefixes = {match.group(1) for label in labels if (match := re.search(r"\b(7|17)Networks_", label))}
    if len(prefixes) == 1:
        return int(prefixes.pop())
    networks = {found.network for label in labels if (found := place(label)).family == "Schaefer"}
    if not networks:
        return None
    return 17 if networks & SEVENTEEN else 7
