import { DataType, Type } from 'apache-arrow';

/** Returns whether values are texts: also those of a dictionary, as of pandas' categories. */
export function isTextType(type: DataType): boolean {
  const { typeId } = DataType.isDictionary(type) ? type.dictionary : type;
  return typeId === Type.Utf8 || typeId === Type.LargeUtf8;
}

/** Returns whether values are lists of numbers. */
export function isVectorType(type: DataType): boolean {
  const isList = type.typeId === Type.List || type.typeId === Type.FixedSizeList;
  const child = isList ? (type as DataType<Type.List>).children?.[0]?.type : undefined;
  return child?.typeId === Type.Float || child?.typeId === Type.Int;
}
