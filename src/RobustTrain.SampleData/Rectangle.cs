namespace RobustTrain.SampleData;

/// <summary>A rectangle turned by an angle, in pixels of the scene.</summary>
/// <param name="X">The centre's column.</param>
/// <param name="Y">The centre's row.</param>
/// <param name="HalfLength">Half the side along the angle.</param>
/// <param name="HalfWidth">Half the other side.</param>
/// <param name="Angle">In radians.</param>
internal readonly record struct Rectangle(float X, float Y, float HalfLength, float HalfWidth, float Angle)
{
    public float Radius => MathF.Sqrt((HalfLength * HalfLength) + (HalfWidth * HalfWidth));

    /// <summary>A point's coordinates along and across the rectangle, from its centre.</summary>
    public (float Along, float Across) Local(float x, float y)
    {
        (float sin, float cos) = MathF.SinCos(Angle);
        float dx = x - X;
        float dy = y - Y;
        return ((dx * cos) + (dy * sin), (dy * cos) - (dx * sin));
    }

    /// <summary>The point of the scene at coordinates along and across.</summary>
    public (float X, float Y) Place(float along, float across)
    {
        (float sin, float cos) = MathF.SinCos(Angle);
        return (X + (along * cos) - (across * sin), Y + (along * sin) + (across * cos));
    }

    public bool IsNear(Rectangle other, float gap)
    {
        float dx = X - other.X;
        float dy = Y - other.Y;
        float least = Radius + other.Radius + gap;
        return (dx * dx) + (dy * dy) < least * least;
    }
}
