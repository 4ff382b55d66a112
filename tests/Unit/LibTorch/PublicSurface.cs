using System.Reflection;
using System.Runtime.CompilerServices;

namespace RobustTrain.Tests.LibTorch;

/// <summary>The public and protected members of an assembly, as a caller's source sees them: names, types, parameter names, defaults.</summary>
internal sealed class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private readonly Dictionary<string, Type> _types;

    private PublicSurface(IEnumerable<Type> types) => _types = types.ToDictionary(type => type.FullName!);

    internal static PublicSurface Of(Assembly assembly, Func<Type, bool> chosen) =>
        new(assembly.GetTypes().Where(type => IsVisible(type) && chosen(type)));

    internal IEnumerable<Type> Types => _types.Values;

    internal Type? Find(string fullName) => _types.GetValueOrDefault(fullName);

    /// <summary>What the type declares, a line for each member.</summary>
    internal static IEnumerable<MemberInfo> MembersOf(Type type) => type.GetMembers(Declared).Where(IsVisible);

    /// <summary>The lines of all members that the type has, its bases' included.</summary>
    internal static HashSet<string> Reachable(Type type)
    {
        var lines = new HashSet<string>();
        for (Type? level = type; level is not null; level = level.BaseType)
        {
            foreach (MemberInfo member in MembersOf(level))
            {
                // The real one must be usable: TorchSharp declares some members only to say that they are not implemented.
                if (IsForbidden(member)) continue;
                _ = lines.Add(Line(member, throughBase: level != type));
                if (level != type) continue;
                _ = lines.Add(Line(member, throughBase: true));
            }
        }
        foreach (Type contract in type.GetInterfaces()) lines.UnionWith(MembersOf(contract).Select(member => Line(member, throughBase: true)));
        return lines;
    }

    internal static string Kind(Type type) =>
        type.IsInterface ? "interface" : type.IsEnum ? "enum" : type.IsValueType ? "struct" : typeof(MulticastDelegate).FullName == type.BaseType?.FullName ? "delegate" : type is { IsAbstract: true, IsSealed: true } ? "static class" : "class";

    internal static string Line(MemberInfo member, bool throughBase = false) => member switch
    {
        MethodInfo method => $"{Modifiers(method)}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
        ConstructorInfo constructor => throughBase ? $"inherited new({Parameters(constructor)})" : $"{Access(constructor)}new({Parameters(constructor)})",
        PropertyInfo property => $"{Modifiers((property.GetMethod ?? property.SetMethod)!)}{Name(property.PropertyType)} {property.Name}[{string.Join(", ", property.GetIndexParameters().Select(Parameter))}]{(IsVisible(property.GetMethod) ? " get" : "")}",
        FieldInfo { IsLiteral: true } constant => $"const {Name(constant.FieldType)} {constant.Name} = {constant.GetRawConstantValue()}",
        FieldInfo field => $"{(field.IsPublic ? "" : "protected ")}{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        _ => $"{member.MemberType} {member.Name}",
    };

    /// <summary>What a caller with nullable annotations sees of a value: 0 nothing was declared, 1 not null, 2 may be null.</summary>
    internal static byte Nullability(IEnumerable<CustomAttributeData> own, MemberInfo member)
    {
        if (Flag(own, "NullableAttribute") is byte flag) return flag;
        for (MemberInfo? level = member; level is not null; level = level.DeclaringType)
        {
            if (Flag(level.CustomAttributes, "NullableContextAttribute") is byte context) return context;
        }
        return 0;

        static byte? Flag(IEnumerable<CustomAttributeData> attributes, string name)
        {
            CustomAttributeData? found = attributes.FirstOrDefault(attribute => attribute.AttributeType.Name == name);
            return found?.ConstructorArguments[0].Value switch
            {
                byte single => single,
                IReadOnlyList<CustomAttributeTypedArgument> { Count: > 0 } many => (byte)many[0].Value!,
                _ => null,
            };
        }
    }

    private static bool IsForbidden(MemberInfo member) => member.CustomAttributes.Any(attribute =>
        attribute.AttributeType.Name == nameof(ObsoleteAttribute) && attribute.ConstructorArguments is [_, { Value: true }]);

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string direction = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "";
        string many = parameter.CustomAttributes.Any(attribute => attribute.AttributeType.Name is nameof(ParamArrayAttribute) or nameof(ParamCollectionAttribute)) ? "params " : "";
        string fallback = parameter.HasDefaultValue ? $" = {parameter.RawDefaultValue ?? "null"}" : "";
        return $"{direction}{many}{Name(parameter.ParameterType)} {parameter.Name}{fallback}";
    }

    private static string Generics(MethodInfo method)
    {
        if (!method.IsGenericMethodDefinition) return "";
        return $"<{string.Join(", ", method.GetGenericArguments().Select(argument => $"{argument.Name}: {argument.GenericParameterAttributes & ~GenericParameterAttributes.VarianceMask} {string.Join(" ", argument.GetGenericParameterConstraints().Select(Name).Order())}"))}>";
    }

    private static string Modifiers(MethodBase method) => Access(method) + (method.IsStatic ? "static " : "");

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsArray || type.IsPointer)
            return Name(type.GetElementType()!) + (type.IsArray ? $"[{new string(',', type.GetArrayRank() - 1)}]" : type.IsPointer ? "*" : "");
        if (type.IsGenericParameter) return type.Name;
        string name = type.DeclaringType is Type outer && !type.IsGenericParameter ? $"{Name(outer)}.{type.Name}" : type.Namespace is "System" ? type.Name : $"{type.Namespace}.{type.Name}";
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }

    private static bool IsVisible(Type type) => type.IsPublic || (type.IsNested && IsVisible(type.DeclaringType!) && (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem));

    private static bool IsVisible(MethodBase? method) => method is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    private static bool IsVisible(MemberInfo member) => member switch
    {
        // Accessors come with their properties; a finalizer is no one's to call; records and lambdas are the compiler's.
        MethodInfo method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) && method.Name != "Finalize" && !method.CustomAttributes.Any(attribute => attribute.AttributeType.Name == nameof(CompilerGeneratedAttribute)),
        MethodBase constructor => IsVisible(constructor) && !constructor.IsStatic,
        PropertyInfo property => IsVisible(property.GetMethod) || IsVisible(property.SetMethod),
        FieldInfo field => (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) && !field.IsSpecialName,
        _ => false,
    };
}
