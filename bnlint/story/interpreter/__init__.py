"""What Python means: statements, expressions and calls run over abstract values. No framework is known here."""
