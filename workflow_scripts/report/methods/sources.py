"""Sources that the methods text may cite, and how they become a line of text or an entry of BibTeX."""

import re
from dataclasses import dataclass

ARTICLE, PROCEEDINGS, OTHER = "article", "inproceedings", "misc"


@dataclass(frozen=True)
class Source:
    """One reference.

    Attributes
    ----------
    key : str
        In the text and in the BibTeX file.
    authors : str
        As in a list of references: "Friston KJ, Harrison L"; "et al." stands for the rest.
    year, title, where : str
        `where` is the journal, the proceedings, or whatever else the work is part of.
    place : str
        Volume and pages, "19:1273–1302", or nothing.
    doi : str or None
    kind : str
        Type of the entry in BibTeX.
    """

    key: str
    authors: str
    year: str
    title: str
    where: str
    place: str
    doi: str | None
    kind: str = ARTICLE

    @property
    def text(self):
        """As a line of a list of references, without the DOI."""
        return f"{self.authors} ({self.year}). {self.title}. {self.where} {self.place}".rstrip()

    @property
    def bibtex(self):
        """As an entry of a BibTeX file."""
        volume, _, pages = self.place.partition(":")
        fields = {
            "author": _bibtex_authors(self.authors),
            "title": f"{{{self.title}}}",
            "year": self.year,
            {ARTICLE: "journal", PROCEEDINGS: "booktitle"}.get(self.kind, "howpublished"): self.where,
            "volume": volume,
            "pages": pages.replace("–", "--"),
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{_escaped(value)}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}\n"])


def _bibtex_authors(authors):
    """Turn "den Ouden HEM, Raman S, et al." into "den Ouden, H. E. M. and Raman, S. and others"."""
    names = []
    for name in authors.split(", "):
        family, _, initials = name.rpartition(" ")
        if name == "et al.":
            names.append("others")
        elif re.fullmatch(r"[A-Z][A-Z-]*", initials) and family:
            names.append(f"{family}, {' '.join(f'{letter}.' for letter in initials if letter != '-')}")
        else:
            names.append(f"{{{name}}}")
    return " and ".join(names)


def _escaped(text):
    return re.sub(r"([&%#_])", r"\\\1", text) if not text.startswith("10.") else text


def bibliography(sources):
    """A BibTeX file.

    Parameters
    ----------
    sources : iterable of Source

    Returns
    -------
    str
    """
    return "\n".join(source.bibtex for source in sources)


def of_model(model):
    """Sources of a model: those of the catalogue, else what the file of a user's own model says.

    Parameters
    ----------
    model : cubnm_core.equations.model.Model

    Returns
    -------
    list of Source
    """
    known = [SOURCES[key] for key in MODELS.get(model.name, ())]
    if known and any(source.doi == model.doi for source in known):
        return known
    if not model.citation:
        return []
    year = re.search(r"\((\d{4})\)", model.citation)
    authors, _, rest = model.citation.partition(year[0] if year else ",")
    key = re.sub(r"\W", "", model.name.lower()) or "model"
    told = year[1] if year else "n.d."
    return [
        Source(key, authors.strip(" ,"), told, model.title, rest.strip(" ,."), "", model.doi or None, OTHER)
    ]


_ALL = (
    Source(
        "friston2003", "Friston KJ, Harrison L, Penny W", "2003", "Dynamic causal modelling", "NeuroImage",
        "19:1273–1302", "10.1016/S1053-8119(03)00202-7",
    ),
    Source(
        "stephan2007", "Stephan KE, Weiskopf N, Drysdale PM, Robinson PA, Friston KJ", "2007",
        "Comparing hemodynamic models with DCM", "NeuroImage", "38:387–401",
        "10.1016/j.neuroimage.2007.07.040",
    ),
    Source(
        "heinzle2016", "Heinzle J, Koopmans PJ, den Ouden HEM, Raman S, Stephan KE", "2016",
        "A hemodynamic model for layered BOLD signals", "NeuroImage", "125:556–570",
        "10.1016/j.neuroimage.2015.10.025",
    ),
    Source(
        "fox2009", "Fox MD, Zhang D, Snyder AZ, Raichle ME", "2009",
        "The global signal and observed anticorrelated resting state brain networks",
        "Journal of Neurophysiology", "101:3270–3283", "10.1152/jn.90777.2008",
    ),
    Source(
        "hansen2015", "Hansen ECA, Battaglia D, Spiegler A, Deco G, Jirsa VK", "2015",
        "Functional connectivity dynamics: modeling the switching behavior of the resting state",
        "NeuroImage", "105:525–535", "10.1016/j.neuroimage.2014.11.001",
    ),
    Source(
        "deco2014", "Deco G, Ponce-Alvarez A, Hagmann P, Romani GL, Mantini D, Corbetta M", "2014",
        "How local excitation–inhibition ratio impacts the whole brain dynamics", "Journal of Neuroscience",
        "34:7886–7898", "10.1523/JNEUROSCI.5068-13.2014",
    ),
    Source(
        "deco2013", "Deco G, Ponce-Alvarez A, Mantini D, Romani GL, Hagmann P, Corbetta M", "2013",
        "Resting-state functional connectivity emerges from structurally and dynamically shaped slow linear "
        "fluctuations", "Journal of Neuroscience", "33:11239–11252", "10.1523/JNEUROSCI.1091-13.2013",
    ),
    Source(
        "deco2017", "Deco G, Kringelbach ML, Jirsa VK, Ritter P", "2017",
        "The dynamics of resting fluctuations in the brain: metastability and its dynamical cortical core",
        "Scientific Reports", "7:3095", "10.1038/s41598-017-03073-5",
    ),
    Source(
        "jansen1995", "Jansen BH, Rit VG", "1995",
        "Electroencephalogram and visual evoked potential generation in a mathematical model of coupled "
        "cortical columns", "Biological Cybernetics", "73:357–366", "10.1007/BF00199471",
    ),
    Source(
        "cabral2011", "Cabral J, Hugues E, Sporns O, Deco G", "2011",
        "Role of local network oscillations in resting-state functional connectivity", "NeuroImage",
        "57:130–139", "10.1016/j.neuroimage.2011.04.010",
    ),
    Source(
        "montbrio2015", "Montbrió E, Pazó D, Roxin A", "2015",
        "Macroscopic description for networks of spiking neurons", "Physical Review X", "5:021028",
        "10.1103/PhysRevX.5.021028",
    ),
    Source(
        "wilson1972", "Wilson HR, Cowan JD", "1972",
        "Excitatory and inhibitory interactions in localized populations of model neurons",
        "Biophysical Journal", "12:1–24", "10.1016/S0006-3495(72)86068-5",
    ),
    Source(
        "papadopoulos2020", "Papadopoulos L, Lynn CW, Battaglia D, Bassett DS", "2020",
        "Relations between large-scale brain connectivity and effects of regional stimulation depend on "
        "collective dynamical state", "PLoS Computational Biology", "16:e1008144",
        "10.1371/journal.pcbi.1008144",
    ),
    Source(
        "demirtas2019", "Demirtaş M, Burt JB, Helmer M, et al.", "2019",
        "Hierarchical heterogeneity across human cortex shapes large-scale neural dynamics", "Neuron",
        "101:1181–1194", "10.1016/j.neuron.2019.01.017",
    ),
    Source(
        "vogels2011", "Vogels TP, Sprekeler H, Zenke F, Clopath C, Gerstner W", "2011",
        "Inhibitory plasticity balances excitation and inhibition in sensory pathways and memory networks",
        "Science", "334:1569–1573", "10.1126/science.1211095",
    ),
    Source(
        "salmon2011", "Salmon JK, Moraes MA, Dror RO, Shaw DE", "2011",
        "Parallel random numbers: as easy as 1, 2, 3",
        "Proceedings of 2011 International Conference for High Performance Computing, Networking, Storage "
        "and Analysis", "", "10.1145/2063384.2063405", PROCEEDINGS,
    ),
    Source(
        "hansen2001", "Hansen N, Ostermeier A", "2001",
        "Completely derandomized self-adaptation in evolution strategies", "Evolutionary Computation",
        "9:159–195", "10.1162/106365601750190398",
    ),
    Source(
        "blank2020", "Blank J, Deb K", "2020", "pymoo: multi-objective optimization in Python", "IEEE Access",
        "8:89497–89509", "10.1109/ACCESS.2020.2990567",
    ),
    Source(
        "owen1998", "Owen AB", "1998", "Scrambling Sobol' and Niederreiter–Xing points",
        "Journal of Complexity", "14:466–489", "10.1006/jcom.1998.0487",
    ),
    Source(
        "deb2000", "Deb K", "2000", "An efficient constraint handling method for genetic algorithms",
        "Computer Methods in Applied Mechanics and Engineering", "186:311–338",
        "10.1016/S0045-7825(99)00389-8",
    ),
    Source(
        "kong2021", "Kong X, Kong R, Orban C, et al.", "2021",
        "Sensory-motor cortices shape functional connectivity dynamics in the human brain",
        "Nature Communications", "12:6373", "10.1038/s41467-021-26704-y",
    ),
    Source(
        "zhang2024", "Zhang S, Larsen B, Sydnor VJ, et al.", "2024",
        "In vivo whole-cortex marker of excitation-inhibition ratio indexes cortical maturation and "
        "cognitive ability in youth", "Proceedings of the National Academy of Sciences", "121:e2318641121",
        "10.1073/pnas.2318641121",
    ),
    Source(
        "smith2015", "Smith RE, Tournier JD, Calamante F, Connelly A", "2015",
        "SIFT2: enabling dense quantitative assessment of brain white matter connectivity using streamlines "
        "tractography", "NeuroImage", "119:338–351", "10.1016/j.neuroimage.2015.06.092",
    ),
    Source(
        "betzel2019", "Betzel RF, Griffa A, Hagmann P, Mišić B", "2019",
        "Distance-dependent consensus thresholds for generating group-representative structural brain "
        "networks", "Network Neuroscience", "3:475–496", "10.1162/netn_a_00075",
    ),
    Source(
        "molder2021", "Mölder F, Jablonski KP, Letcher B, et al.", "2021",
        "Sustainable data analysis with Snakemake", "F1000Research", "10:33",
        "10.12688/f1000research.29032.2",
    ),
    Source(
        "liegeois2017", "Liégeois R, Laumann TO, Snyder AZ, Zhou J, Yeo BTT", "2017",
        "Interpreting temporal fluctuations in resting-state functional connectivity MRI", "NeuroImage",
        "163:437–455", "10.1016/j.neuroimage.2017.09.012",
    ),
    Source(
        "galan2008", "Galán RF", "2008",
        "On how network architecture determines the dominant patterns of spontaneous neural activity",
        "PLoS ONE", "3:e2148", "10.1371/journal.pone.0002148",
    ),
    Source(
        "aquino2022", "Aquino KM, Fulcher B, Oldham S, et al.", "2022",
        "On the intersection between data quality and dynamical modelling of large-scale fMRI signals",
        "NeuroImage", "256:119051", "10.1016/j.neuroimage.2022.119051",
    ),
    Source(
        "hartigan1969", "Hartigan JA", "1969", "Using subsample values as typical values",
        "Journal of the American Statistical Association", "64:1303–1317", None,
    ),
    Source(
        "holm1979", "Holm S", "1979", "A simple sequentially rejective multiple test procedure",
        "Scandinavian Journal of Statistics", "6:65–70", None,
    ),
    Source(
        "finn2015", "Finn ES, Shen X, Scheinost D, et al.", "2015",
        "Functional connectome fingerprinting: identifying individuals using patterns of brain connectivity",
        "Nature Neuroscience", "18:1664–1671", "10.1038/nn.4135",
    ),
    Source(
        "maslov2002", "Maslov S, Sneppen K", "2002",
        "Specificity and stability in topology of protein networks", "Science", "296:910–913",
        "10.1126/science.1065103",
    ),
    Source(
        "betzel2018", "Betzel RF, Bassett DS", "2018",
        "Specificity and robustness of long-distance connections in weighted, interareal connectomes",
        "Proceedings of the National Academy of Sciences", "115:E4880–E4889", "10.1073/pnas.1720186115",
    ),
    Source(
        "winkler2014", "Winkler AM, Ridgway GR, Webster MA, Smith SM, Nichols TE", "2014",
        "Permutation inference for the general linear model", "NeuroImage", "92:381–397",
        "10.1016/j.neuroimage.2014.01.060",
    ),
    Source(
        "freedman1983", "Freedman D, Lane D", "1983",
        "A nonstochastic interpretation of reported significance levels",
        "Journal of Business and Economic Statistics", "1:292–298", "10.1080/07350015.1983.10509354",
    ),
    Source(
        "mackinnon1985", "MacKinnon JG, White H", "1985",
        "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample "
        "properties",
        "Journal of Econometrics", "29:305–325", "10.1016/0304-4076(85)90158-7",
    ),
    Source(
        "diciccio2017", "DiCiccio CJ, Romano JP", "2017",
        "Robust permutation tests for correlation and regression coefficients",
        "Journal of the American Statistical Association", "112:1211–1220", "10.1080/01621459.2016.1202117",
    ),
    Source(
        "johnson2007", "Johnson WE, Li C, Rabinovic A", "2007",
        "Adjusting batch effects in microarray expression data using empirical Bayes methods",
        "Biostatistics", "8:118–127", "10.1093/biostatistics/kxj037",
    ),
    Source(
        "fortin2018", "Fortin JP, Cullen N, Sheline YI, et al.", "2018",
        "Harmonization of cortical thickness measurements across scanners and sites", "NeuroImage",
        "167:104–120", "10.1016/j.neuroimage.2017.11.024",
    ),
    Source(
        "laird1982", "Laird NM, Ware JH", "1982", "Random-effects models for longitudinal data", "Biometrics",
        "38:963–974", "10.2307/2529876",
    ),
    Source(
        "benjamini1995", "Benjamini Y, Hochberg Y", "1995",
        "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
        "Journal of the Royal Statistical Society: Series B", "57:289–300",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    Source(
        "alexanderbloch2018", "Alexander-Bloch AF, Shou H, Liu S, et al.", "2018",
        "On testing for spatial correspondence between maps of human brain structure and function",
        "NeuroImage", "178:540–551", "10.1016/j.neuroimage.2018.05.070",
    ),
    Source(
        "markello2021", "Markello RD, Misic B", "2021", "Comparing spatial null models for brain maps",
        "NeuroImage", "236:118052", "10.1016/j.neuroimage.2021.118052",
    ),
    Source(
        "shrout1979", "Shrout PE, Fleiss JL", "1979",
        "Intraclass correlations: uses in assessing rater reliability", "Psychological Bulletin",
        "86:420–428", "10.1037/0033-2909.86.2.420",
    ),
    Source(
        "mcgraw1996", "McGraw KO, Wong SP", "1996",
        "Forming inferences about some intraclass correlation coefficients", "Psychological Methods",
        "1:30–46", "10.1037/1082-989X.1.1.30",
    ),
    Source(
        "bland1986", "Bland JM, Altman DG", "1986",
        "Statistical methods for assessing agreement between two methods of clinical measurement",
        "The Lancet", "327:307–310", "10.1016/S0140-6736(86)90837-8",
    ),
)  # fmt: skip
SOURCES = {source.key: source for source in _ALL}
# Models of the catalogue, by the key of their sources.
MODELS = {
    "rWW": ["deco2014"],
    "rWWEx": ["deco2013"],
    "Hopf": ["deco2017"],
    "JR": ["jansen1995"],
    "Kuramoto": ["cabral2011"],
    "MPR": ["montbrio2015"],
    "WC": ["wilson1972", "papadopoulos2020"],
    "pFIC": ["zhang2024", "deco2014"],
}
