//! What a call costs, from disjoint token classes and dated prices, exactly.
