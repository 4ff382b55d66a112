using RobustTrain.Data.Ordering;

namespace RobustTrain.SampleData;

/// <summary>What stands where in a scene: farmland, roads, settlements old and new, trees.</summary>
internal sealed class SceneWorld
{
    private const float LeastFieldSide = 110;
    private const int OldLots = 16;

    private readonly int _width;
    private readonly int _height;
    private readonly float _angle;
    private readonly List<SceneField> _fields = [];
    private readonly List<Rectangle> _roads = [];
    private readonly List<SceneLot> _lots = [];
    private readonly List<SceneTree> _trees = [];

    /// <summary>A world of a size in pixels.</summary>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="changeShare">The share of the scene that is new.</param>
    /// <param name="random">The randomness.</param>
    public SceneWorld(int width, int height, double changeShare, ref SampleRandom random)
    {
        _width = width;
        _height = height;
        _angle = (float)random.NextDouble(-0.5, 0.5);
        float side = width + height;
        Split(new Rectangle(width / 2f, height / 2f, side / 2, side / 2, _angle), ref random);
        AddRoads(ref random);
        for (int lot = 0; lot < OldLots; lot++)
            TryAddLot(isNew: false, ref random);

        // Cells in turn, so that the training area and the test area both get their share.
        double wanted = changeShare * width * height;
        double area = 0;
        for (int attempt = 0; area < wanted && attempt < 4000; attempt++)
        {
            if (TryAddLot(isNew: true, ref random))
                area += 4 * _lots[^1].Area.HalfLength * _lots[^1].Area.HalfWidth;
        }

        AddTrees(ref random);
    }

    public IReadOnlyList<SceneField> Fields => _fields;

    public IReadOnlyList<Rectangle> Roads => _roads;

    public IReadOnlyList<SceneLot> Lots => _lots;

    public IReadOnlyList<SceneTree> Trees => _trees;

    private void Split(Rectangle area, ref SampleRandom random)
    {
        bool along = area.HalfLength * random.NextDouble(0.7, 1.3) > area.HalfWidth;
        float half = along ? area.HalfLength : area.HalfWidth;
        if (half < LeastFieldSide || (half < 2 * LeastFieldSide && random.NextBool(0.25)))
        {
            double kind = random.NextDouble();
            _fields.Add(new SceneField(
                area,
                kind < 0.72 ? FieldKind.Arable : kind < 0.9 ? FieldKind.Meadow : FieldKind.Wood,
                random.NextInt(ScenePainter.CropCount),
                random.NextInt(ScenePainter.CropCount),
                (float)random.NextDouble(3.5, 8),
                random.NextBool(0.5)));
            return;
        }

        float cut = half * (float)random.NextDouble(-0.35, 0.35);
        float before = (half + cut) / 2;
        float after = (half - cut) / 2;
        (float x1, float y1) = along ? area.Place(cut - before, 0) : area.Place(0, cut - before);
        (float x2, float y2) = along ? area.Place(cut + after, 0) : area.Place(0, cut + after);
        Split(along ? area with { X = x1, Y = y1, HalfLength = before } : area with { X = x1, Y = y1, HalfWidth = before }, ref random);
        Split(along ? area with { X = x2, Y = y2, HalfLength = after } : area with { X = x2, Y = y2, HalfWidth = after }, ref random);
    }

    private void AddRoads(ref SampleRandom random)
    {
        int count = 2 + random.NextInt(2);
        for (int road = 0; road < count; road++)
        {
            float turn = (road % 2 == 0 ? 0 : MathF.PI / 2) + (float)random.NextDouble(-0.12, 0.12);
            float x = (float)random.NextDouble(0.1, 0.9) * _width;
            float y = (float)random.NextDouble(0.1, 0.9) * _height;
            _roads.Add(new Rectangle(x, y, _width + _height, (float)random.NextDouble(4, 7), _angle + turn));
        }
    }

    private bool TryAddLot(bool isNew, ref SampleRandom random)
    {
        float halfLength = (float)random.NextDouble(22, 46);
        float halfWidth = (float)random.NextDouble(18, 34);
        float x = (float)random.NextDouble(-10, _width + 10);
        float y = (float)random.NextDouble(-10, _height + 10);
        float angle = _angle + (random.NextBool(0.5) ? 0 : MathF.PI / 2) + (float)random.NextDouble(-0.1, 0.1);
        Rectangle area = new(x, y, halfLength, halfWidth, angle);
        int paving = random.NextInt(ScenePainter.PavingCount);
        List<SceneBuilding> buildings = AddBuildings(area, ref random);
        if (_lots.Any(other => other.Area.IsNear(area, 6)) || _roads.Any(road => MathF.Abs(road.Local(x, y).Across) < road.HalfWidth + area.Radius + 2))
            return false;
        _lots.Add(new SceneLot(area, paving, buildings, isNew));
        return true;
    }

    private static List<SceneBuilding> AddBuildings(Rectangle lot, ref SampleRandom random)
    {
        List<SceneBuilding> buildings = [];
        int columns = lot.HalfLength > 34 ? 2 : 1;
        for (int column = 0; column < columns; column++)
        {
            float room = lot.HalfLength / columns;
            float along = ((2 * column) + 1 - columns) * room;
            float halfLength = room * (float)random.NextDouble(0.5, 0.75);
            float halfWidth = lot.HalfWidth * (float)random.NextDouble(0.4, 0.7);
            float across = (lot.HalfWidth - halfWidth) * (float)random.NextDouble(-0.5, 0.5);
            (float x, float y) = lot.Place(along, across);
            Rectangle area = halfLength >= halfWidth
                ? new Rectangle(x, y, halfLength, halfWidth, lot.Angle)
                : new Rectangle(x, y, halfWidth, halfLength, lot.Angle + (MathF.PI / 2));
            SceneBuilding building = new(area, random.NextInt(ScenePainter.RoofCount), (float)random.NextDouble(4, 11));
            // A few lots are paved ground alone.
            if (random.NextBool(0.85))
                buildings.Add(building);
        }

        return buildings;
    }

    private void AddTrees(ref SampleRandom random)
    {
        foreach (SceneField field in _fields)
        {
            double density = field.Kind switch { FieldKind.Wood => 0.012, FieldKind.Meadow => 0.0006, _ => 0.00005 };
            int count = (int)(density * 4 * field.Area.HalfLength * field.Area.HalfWidth);
            for (int tree = 0; tree < count; tree++)
            {
                (float x, float y) = field.Area.Place(
                    field.Area.HalfLength * (float)random.NextDouble(-1, 1),
                    field.Area.HalfWidth * (float)random.NextDouble(-1, 1));
                AddTree(x, y, ref random);
            }
        }

        foreach (Rectangle road in _roads)
        {
            for (float along = -road.HalfLength; along < road.HalfLength; along += (float)random.NextDouble(14, 60))
            {
                (float x, float y) = road.Place(along, (road.HalfWidth + 6) * (random.NextBool(0.5) ? 1 : -1));
                AddTree(x, y, ref random);
            }
        }
    }

    private void AddTree(float x, float y, ref SampleRandom random)
    {
        SceneTree tree = new(x, y, (float)random.NextDouble(3, 7.5), random.NextBool(0.3), (float)random.NextDouble(0.8, 1.2));
        bool outside = x < -10 || y < -10 || x > _width + 10 || y > _height + 10;
        bool built = _lots.Any(lot => Covers(lot.Area, x, y, tree.Radius)) || _roads.Any(road => MathF.Abs(road.Local(x, y).Across) < road.HalfWidth + 2);
        if (!outside && !built)
            _trees.Add(tree);
    }

    private static bool Covers(Rectangle area, float x, float y, float margin)
    {
        (float along, float across) = area.Local(x, y);
        return MathF.Abs(along) < area.HalfLength + margin && MathF.Abs(across) < area.HalfWidth + margin;
    }
}

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

/// <summary>Built-up ground: paved, with buildings on it or none.</summary>
/// <param name="Area">The paved ground.</param>
/// <param name="Paving">Its paving, as an index into the painter's pavings.</param>
/// <param name="Buildings">The buildings on it.</param>
/// <param name="IsNew">Whether it is there at the second date only: a change.</param>
internal sealed record SceneLot(Rectangle Area, int Paving, IReadOnlyList<SceneBuilding> Buildings, bool IsNew);

/// <summary>A building with a gable roof.</summary>
/// <param name="Area">Its walls.</param>
/// <param name="Roof">Its roof's colour, as an index into the painter's roofs.</param>
/// <param name="Height">In pixels of shadow at a sun of 45 degrees.</param>
internal readonly record struct SceneBuilding(Rectangle Area, int Roof, float Height);

/// <summary>A tree.</summary>
/// <param name="X">The crown's centre, column.</param>
/// <param name="Y">The crown's centre, row.</param>
/// <param name="Radius">The crown's radius in pixels.</param>
/// <param name="IsEvergreen">Whether it keeps its colour over the seasons.</param>
/// <param name="Shade">Its own shade of the colour, about 1.</param>
internal readonly record struct SceneTree(float X, float Y, float Radius, bool IsEvergreen, float Shade);
