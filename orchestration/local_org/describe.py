"""What the describe calls answer: objects and fields in Salesforce's own words (57 field keys)."""

from typing import Any

from orchestration.local_org.schema import ID_TYPES, TEXT_TYPES, Field, Schema, SObject

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}

#: The keys that say the same of every field of this org.
_CONSTANT_KEYS: dict[str, Any] = {
    "aiPredictionField": False,
    "autoNumber": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "compoundFieldName": None,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "mask": None,
    "maskType": None,
    "queryByDistance": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}


def describe_global(schema: Schema, base: str) -> dict[str, Any]:
    """Answer `/sobjects`: every object with its flags; `base` is `/services/data/vXX.X`."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_summary(each, base) for each in schema],
    }


def describe_object(sobject: SObject, base: str) -> dict[str, Any]:
    """Answer `/sobjects/{object}/describe`."""
    return {
        **_summary(sobject, base),
        "actionOverrides": [],
        "childRelationships": [],
        "compactLayoutable": True,
        "fields": [describe_field(each) for each in sobject.fields],
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {sobject.label_plural}", "name": "everything"}],
    }


def describe_field(field: Field) -> dict[str, Any]:
    """Return the describe of one field."""
    is_text = field.type in TEXT_TYPES
    is_reference = field.type == "reference"
    return {
        **_CONSTANT_KEYS,
        "aggregatable": field.type not in {"boolean"} and field.is_filterable,
        "byteLength": field.length * 3 if is_text else field.length,
        "calculated": False,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable,
        "custom": field.is_custom,
        "defaultValue": field.default,
        "defaultedOnCreate": _is_defaulted_on_create(field),
        "digits": field.precision if field.type == "int" else 0,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": field.is_filterable,
        "groupable": field.is_filterable and field.type not in {"datetime", "double", "currency"},
        "idLookup": field.id_lookup,
        "inlineHelpText": field.help,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": len(field.references) > 1,
        "nillable": field.is_nillable,
        "permissionable": field.is_custom and not field.required,
        "picklistValues": [
            {
                "active": item.is_active,
                "defaultValue": item.value == field.default,
                "label": item.label,
                "validFor": None,
                "value": item.value,
            }
            for item in field.values
        ],
        "polymorphicForeignKey": len(field.references) > 1,
        "precision": 0 if field.type == "int" else field.precision,
        "referenceTo": list(field.references),
        "relationshipName": field.relationship if is_reference else None,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.is_filterable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
    }


def _is_defaulted_on_create(field: Field) -> bool:
    given_by_salesforce = field.required and not field.createable
    has_default = field.defaulted or field.default is not None
    return has_default or given_by_salesforce or field.type in ID_TYPES - {"reference"}


def _summary(sobject: SObject, base: str) -> dict[str, Any]:
    url = f"{base}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": False,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": True,
        "mergeable": sobject.find("MasterRecordId") is not None,
        "mruEnabled": True,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": sobject.is_soft_deleted,
        "updateable": sobject.updateable,
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }
