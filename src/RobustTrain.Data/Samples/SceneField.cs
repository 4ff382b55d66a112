namespace RobustTrain.Data.Samples;

/// <summary>A piece of farmland.</summary>
/// <param name="Area">Where it is.</param>
/// <param name="Kind">What it is for good.</param>
/// <param name="Crop1">What grows on it at the first date, as an index into the painter's crops.</param>
/// <param name="Crop2">What grows on it at the second date.</param>
/// <param name="RowSpacing">Pixels between two rows.</param>
/// <param name="RowsAcross">Whether the rows run across the area instead of along.</param>
internal readonly record struct SceneField(Rectangle Area, FieldKind Kind, int Crop1, int Crop2, float RowSpacing, bool RowsAcross);

/// <summary>What a piece of land is for good.</summary>
internal enum FieldKind
{
    /// <summary>Tilled in rows, another crop at each date.</summary>
    Arable,

    /// <summary>Grass.</summary>
    Meadow,

    /// <summary>Trees.</summary>
    Wood,
}
