"""Image classification by glimpses: Mnih, Heess, Graves & Kavukcuoglu (2014), Recurrent models of visual attention."""
