//! What the scrubber is measured against: a regular expression for each kind, one after the other over the whole text, as
//! scanners without a prefilter work.

use regex::Regex;

#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}",
    r"sk-ant-(?:api03|admin01|oat01)-[A-Za-z0-9_-]{80,}",
    r"sk-or-v1-[0-9a-f]{64}",
    r"sk-lf-[0-9a-f-]{36}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"GOCSPX-[A-Za-z0-9_-]{28}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"gsk_[A-Za-z0-9]{52}",
    r"hf_[A-Za-z]{34}",
    r"pplx-[A-Za-z0-9]{48}",
    r"xai-[A-Za-z0-9]{70,120}",
    r"r8_[A-Za-z0-9]{37}",
    r"nvapi-[A-Za-z0-9_-]{64}",
    r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    r"tvly-[A-Za-z0-9-]{32,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
    r"(?i)aws_?secret_?access_?key\W{1,5}[A-Za-z0-9/+]{40}",
    r"ABSK[A-Za-z0-9+/=]{109,269}",
    r"AccountKey=[A-Za-z0-9+/]{86}==",
    r"SharedAccessKey=[A-Za-z0-9+/]{43}=",
    r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    r"do[opr]_v1_[0-9a-f]{64}",
    r"LTAI[A-Za-z0-9]{20}",
    r"cf(?:ut|at|k)_[A-Za-z0-9]{40}[0-9a-f]{8}",
    r"HRKU-AA[A-Za-z0-9_-]{58}",
    r"fo1_[A-Za-z0-9_-]{43}",
    r"vc[piark]_[A-Za-z0-9_-]{56}",
    r"sbp_[0-9a-f]{40}",
    r"napi_[a-z0-9]{64}",
    r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}",
    r"dapi[0-9a-f]{32}",
    r"tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]+",
    r"gh[pousr]_[A-Za-z0-9]{36,255}",
    r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    r"gl(?:pat|dt|rt|ft|soat|ptt|imt|agent|oas|cbt)-[A-Za-z0-9_-]{20,}",
    r"ATATT3[A-Za-z0-9_=-]{186}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    r"rubygems_[0-9a-f]{48}",
    r"dckr_[po]at_[A-Za-z0-9_-]{27,}",
    r"oy2[a-z0-9]{43}",
    r"CCIPAT_[A-Za-z0-9]{22}_[0-9a-f]{40}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
    r"hv[sb]\.[A-Za-z0-9_-]{90,300}",
    r"dp\.pt\.[A-Za-z0-9]{43}",
    r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    r"xox[bpars]-[0-9A-Za-z-]{10,}",
    r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{24}",
    r"discord\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,}",
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,128}",
    r"whsec_[A-Za-z0-9]{32,}",
    r"SK[0-9a-f]{32}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"[0-9a-f]{32}-us[0-9]{1,2}",
    r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
    r"shp(?:at|ca|pa|ss)_[0-9a-f]{32}",
    r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}",
    r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    r"ntn_[0-9]{11}[A-Za-z0-9]{35}",
    r"lin_api_[A-Za-z0-9]{40}",
    r"figd_[A-Za-z0-9_-]{38,42}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    r"NRAK-[A-Z0-9]{27}",
    r"sntr(?:yu|ys)_[A-Za-z0-9+/=]{40,}",
    r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}",
    r"dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    r"pat-(?:na1|eu1)-[0-9a-f-]{36}",
    r"EAA[MC][A-Za-z0-9]{100,}",
    r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    r"(?i)bearer\s+[A-Za-z0-9_~+/=.-]{16,}",
    r"(?i)basic\s+[A-Za-z0-9+/]{12,}={0,2}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?-----END",
    r"[a-z][a-z0-9+.-]*://[^\s:/@]*:[^\s@/]+@",
    r"(?i)(?:password|passwd|pwd|secret|token|api_?key)\\*[\x22']?\s*(?:=>|:=|=|:)\s*\\*[\x22']?[^\s\x22',;]{8,}",
    r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}",
    r"(?:[0-9][ -]?){12,18}[0-9]",
    r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    r"\+[0-9][0-9 ()-]{7,16}[0-9]",
    r"\(?[0-9]{3}\)?[ .-][0-9]{3}[.-][0-9]{4}",
    r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}",
];

pub struct InTurn(Vec<Regex>);

impl InTurn {
    pub fn new() -> Result<InTurn, regex::Error> {
        PATTERNS.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>().map(InTurn)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Matches of all kinds.
    pub fn find(&self, text: &str) -> usize {
        self.0.iter().map(|regex| regex.find_iter(text).count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(InTurn::new().unwrap().count() > 80);
    }
}
