/** A text by the plural category of its {count}. */
export type Plural = { [category in Intl.LDMLPluralRule]?: string } & { other: string };

/** Texts in another language: a missing one does not compile. */
export type Translation<Source> = Record<keyof Source, string | Plural>;
